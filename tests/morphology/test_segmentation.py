"""Which pixels belong to which source, on sources whose places are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from galaxy_morphology.morphology import NEIGHBOUR, SKY, TARGET, segment

SIDE = 64
MIDDLE = SIDE // 2


def gaussian(y: float, x: float, sigma: float, peak: float) -> NDArray[np.float64]:
    rows, columns = np.indices((SIDE, SIDE))
    squared = (rows - y) ** 2 + (columns - x) ** 2
    return np.asarray(peak * np.exp(-squared / (2 * sigma**2)))


def taken(light: NDArray[np.float64], *, sky: float = 20, noise: float = 2) -> NDArray[np.uint8]:
    rng = np.random.default_rng(0)
    seen = sky + light[..., None] + rng.normal(0, noise, (SIDE, SIDE, 3))
    return np.asarray(np.clip(np.rint(seen), 0, 255), np.uint8)


@pytest.mark.parametrize("apart", [14, 24])
@pytest.mark.parametrize("peaks", [(200, 80), (80, 200)])
def test_the_source_in_the_middle_is_the_target_and_the_other_a_neighbour(
    apart: int, peaks: tuple[float, float]
) -> None:
    target = gaussian(MIDDLE, MIDDLE, 4, peaks[0])
    neighbour = gaussian(MIDDLE, MIDDLE + apart, 3, peaks[1])
    parts = segment(taken(target + neighbour))
    assert parts.dtype == np.uint8
    bright = target + neighbour > 20
    assert np.mean(parts[bright & (target > 2 * neighbour)] == TARGET) > 0.9
    assert np.mean(parts[bright & (neighbour > 2 * target)] == NEIGHBOUR) > 0.9
    assert np.mean(parts[target + neighbour < 0.2] == SKY) > 0.9


def test_nothing_in_the_middle_is_no_target() -> None:
    parts = segment(taken(gaussian(12, 50, 3, 150)))
    assert parts[12, 50] == NEIGHBOUR
    assert not np.any(parts == TARGET)


def test_a_target_may_lie_beside_the_middle() -> None:
    y, x = MIDDLE + 4, MIDDLE - 3
    assert segment(taken(gaussian(y, x, 3, 150)))[y, x] == TARGET


@pytest.mark.parametrize("sky", [0, 20, 200])
@pytest.mark.parametrize("noise", [0, 1, 5, 15])
def test_sky_alone_is_sky_also_where_black_cuts_its_noise_off(sky: float, noise: float) -> None:
    assert np.mean(segment(taken(np.zeros((SIDE, SIDE)), sky=sky, noise=noise)) != SKY) < 0.01


def test_knots_belong_to_their_galaxy() -> None:
    disc = gaussian(MIDDLE, MIDDLE, 9, 90) + gaussian(MIDDLE, MIDDLE, 2.5, 100)
    knots = [
        gaussian(MIDDLE + 13 * np.sin(angle), MIDDLE + 13 * np.cos(angle), 2, 30)
        for angle in np.linspace(0, 2 * np.pi, 6, endpoint=False)
    ]
    parts = segment(taken(disc + np.sum(knots, axis=0)))
    assert np.all(parts[np.max(knots, axis=0) > 15] == TARGET)


def test_a_star_on_the_disc_is_cut_out() -> None:
    disc = gaussian(MIDDLE, MIDDLE, 9, 120)
    parts = segment(taken(disc + gaussian(MIDDLE, MIDDLE + 16, 1.5, 200)))
    assert parts[MIDDLE, MIDDLE] == TARGET
    assert parts[MIDDLE, MIDDLE + 16] == NEIGHBOUR
    assert parts[MIDDLE, MIDDLE - 16] == TARGET
