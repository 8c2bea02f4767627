"""Sky and noise that were put into cut-outs are measured in them."""

import numpy as np
import pandas as pd
import pytest

from galaxy_morphology.survey.appearance import appearance_of

N = 20
GALAXIES = pd.DataFrame({"cataid": range(N), "width": [200] * N, "height": [100] * N})
FEATURES = pd.DataFrame({"half_light_radius_px": 5.0, "magnitude": -10.0}, index=range(N))


@pytest.mark.parametrize("noise", [0.0, 2.0, 8.0])
def test_sky_and_noise_are_those_of_the_frame(noise: float) -> None:
    rng = np.random.default_rng(0)
    sky = np.array([30.0, 60.0, 90.0])
    images = sky + rng.normal(0, noise, (N, 64, 64, 3)) * [1, 0.5, 1]
    images[:, 20:44, 20:44] += 100  # a galaxy
    images[:, :5, 10:16] = 250  # a star in the frame
    table = appearance_of(images.clip(0, 255).round().astype(np.uint8), GALAXIES, FEATURES)
    for channel, level in zip(("red", "green", "blue"), sky, strict=True):
        assert table[f"sky_{channel}"].median() == pytest.approx(level, abs=1)
        expected = noise * (0.5 if channel == "green" else 1)
        expected = np.hypot(expected, 12**-0.5 if noise else 0)  # and that of whole counts
        assert table[f"noise_{channel}"].median() == pytest.approx(expected, rel=0.08)
    assert (table["cutout_side_px"] == 200).all()
    assert (table["half_light_radius_px"] == 5).all()


def test_other_channels_have_numbers() -> None:
    images = np.zeros((N, 32, 32, 5), np.uint8)
    assert "sky_5" in appearance_of(images, GALAXIES, FEATURES)
