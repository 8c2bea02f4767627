"""Networks asked about cut-outs with parts hidden, against cut-outs put together by hand."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from numpy.typing import NDArray

from galaxy_morphology.attribution.hiding import hideable_galaxies, logits_behind
from galaxy_morphology.attribution.logits import logit_model
from galaxy_morphology.typing import KerasModel

RNG = np.random.default_rng(0)
SIDE = 12
IMAGE = RNG.uniform(0, 255, (SIDE, SIDE, 3)).astype(np.float32)
SKIES = RNG.uniform(0, 20, (3, SIDE, SIDE, 3)).astype(np.float32)


@pytest.fixture(scope="module", params=[1, 3], ids=["one logit", "three logits"])
def model(request: Any) -> KerasModel:
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(request.param, activation="sigmoid" if request.param == 1 else "softmax"),
        ]
    )


def by_hand(model: KerasModel, shown: NDArray[Any], which: Any) -> NDArray[Any]:
    mixtures = np.empty((len(shown), SIDE, SIDE, 3), np.float32)
    for mixture, share, sky in zip(mixtures, shown, which, strict=True):
        for y, x in np.ndindex(SIDE, SIDE):
            mixture[y, x] = share[y, x] * IMAGE[y, x] + (1 - share[y, x]) * SKIES[sky, y, x]
    return np.asarray(logit_model(model)(mixtures))


@pytest.mark.parametrize("batch_size", [1, 3, 64])
@pytest.mark.parametrize(
    "shown",
    [RNG.random((7, SIDE, SIDE)) < 0.5, RNG.random((7, SIDE, SIDE))],
    ids=["hidden or shown", "shares"],
)
def test_what_is_not_shown_is_sky(model: KerasModel, shown: NDArray[Any], batch_size: int) -> None:
    which = np.array([0, 2, 1, 1, 0, 2, 2])
    found = logits_behind(model, IMAGE, SKIES, shown, which, batch_size)
    np.testing.assert_allclose(found, by_hand(model, shown, which), rtol=1e-4, atol=1e-5)
    assert found.dtype == np.float32


def test_a_galaxy_has_skies_and_choices_of_its_own(model: KerasModel) -> None:
    def galaxies(images: NDArray[Any], seed: int = 0) -> list[Any]:
        some = hideable_galaxies(
            model, images, np.ones(len(images), int), hide_with="noisy_sky", n_skies=2, seed=seed,
            batch_size=8, progress="",
        )  # fmt: skip
        return [(galaxy.skies, galaxy.rng.random(5)) for galaxy in some]

    images = RNG.integers(0, 255, (3, SIDE, SIDE, 3)).astype(np.uint8)
    together, (alone,), (seeded,) = galaxies(images), galaxies(images[2:]), galaxies(images[2:], 1)
    for one, same, other in zip(together[2], alone, seeded, strict=True):
        np.testing.assert_array_equal(one, same)
        assert np.isclose(one, other).mean() < 0.1
    assert np.isclose(together[0][0], together[2][0]).mean() < 0.1


def test_the_explained_logit_is_asked_and_skies_take_turns(model: KerasModel) -> None:
    (galaxy,) = hideable_galaxies(
        model, IMAGE[None], np.array([0]), hide_with="noisy_sky", n_skies=3, seed=0, batch_size=2,
        progress="",
    )  # fmt: skip
    galaxy = galaxy._replace(skies=SKIES)
    shown = RNG.random((5, SIDE, SIDE)) < 0.5
    sign = -1 if model.outputs[0].shape[1] == 1 else 1
    for which, skies in ((None, [0, 1, 2, 0, 1]), (np.array([4, 0, 3, 3, 2]), [1, 0, 0, 0, 2])):
        expected = sign * by_hand(model, shown, skies)[:, 0]
        np.testing.assert_allclose(galaxy.logits(shown, which), expected, rtol=1e-4, atol=1e-5)
