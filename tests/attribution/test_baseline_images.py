"""Cut-outs without their galaxy: what they look like, and that each is another."""

from typing import Any

import numpy as np
import pytest
from survey import draw_galaxy

from galaxy_morphology.attribution.baselines import ATTRIBUTING, MEASURING, baseline_images

GALAXY = draw_galaxy(np.random.default_rng(0), axis_ratio=0.5, side=48)


def test_those_without_noise() -> None:
    image = np.full((32, 32, 3), (10, 20, 30), np.uint8)
    image[12:20, 12:20] = 250
    rng = np.random.default_rng(0)
    assert (baseline_images(image, "black", 3, rng) == 0).all()
    assert (baseline_images(image, "sky", 3, rng) == (10, 20, 30)).all()
    (blurred,) = baseline_images(image, "blur", 3, rng)
    assert blurred.max() < 150
    assert blurred.argmax() // (32 * 3) in range(14, 18)
    # No noise in it, none comes out.
    np.testing.assert_allclose(
        baseline_images(image, "noisy_sky", 3, rng), np.full((3, *image.shape), (10, 20, 30)), 1e-5
    )


@pytest.mark.parametrize(
    ("kind", "n_different"), [("noisy_sky", 5), ("sky", 1), ("black", 1), ("blur", 1)]
)
def test_there_are_as_many_as_there_are_different_ones(kind: Any, n_different: int) -> None:
    skies = baseline_images(GALAXY, kind, 5, np.random.default_rng(0))
    assert skies.shape == (n_different, 48, 48, 3)
    assert skies.dtype == np.float32
    assert len(np.unique(skies.reshape(n_different, -1), axis=0)) == n_different


def test_noisy_skies_are_those_of_the_galaxy_without_it() -> None:
    skies = baseline_images(GALAXY, "noisy_sky", 40, np.random.default_rng(0))
    frame = GALAXY[:4].reshape(-1, 3).astype(float)
    np.testing.assert_allclose(skies.mean(axis=(0, 1, 2)), frame.mean(axis=0), atol=1)
    np.testing.assert_allclose(skies.std(axis=(0, 1, 2)), frame.std(axis=0), rtol=0.25)
    assert skies.mean(axis=0).std() < GALAXY.std() / 20  # nothing in the middle but noise


def test_what_measures_see_no_method_has_seen() -> None:
    seen, measured = (
        baseline_images(GALAXY, "noisy_sky", 8, np.random.default_rng([3, stream]))
        for stream in (ATTRIBUTING, MEASURING)
    )
    noise = np.concatenate([seen, measured]) - np.mean(seen)
    correlations = np.corrcoef(noise.reshape(16, -1))[:8, 8:]
    assert np.abs(correlations).max() < 0.1


def test_unknown_baselines_and_no_skies_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(
        ValueError, match="baseline 'white'; expected 'noisy_sky', 'sky', 'black' or 'blur'"
    ):
        baseline_images(GALAXY, "white", 1, rng)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Found 0 skies; expected 1 or more"):
        baseline_images(GALAXY, "noisy_sky", 0, rng)
