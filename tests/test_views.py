"""Eight views of a cut-out: what a network says of them, and how the mean is explained."""

from typing import Any

import keras
import numpy as np
import pytest
from conftest import BuildSmall
from numpy.typing import NDArray
from pydantic import ValidationError
from survey import draw_galaxy

from galaxy_morphology.attribution import grad_cam, logit_model, occlusion
from galaxy_morphology.attribution.sanity import randomised_models
from galaxy_morphology.networks import ask_classifier, compact_cnn, predict_logits
from galaxy_morphology.options import PredictionOptions
from galaxy_morphology.typing import KerasModel
from galaxy_morphology.views import VIEWS, mean_over_views

RNG = np.random.default_rng(0)
CUTOUTS = np.stack([draw_galaxy(RNG, axis_ratio=q, side=32) for q in (0.3, 0.9, 0.5)])


def turned_by_hand(images: NDArray[Any]) -> list[NDArray[Any]]:
    """The eight symmetries of a square, one image at a time."""
    turned = [np.stack([np.rot90(image, k) for image in images]) for k in range(4)]
    return [*turned, *(np.stack([np.fliplr(image) for image in some]) for some in turned)]


def said_of(network: KerasModel, images: NDArray[Any]) -> NDArray[Any]:
    """The logits, by Keras itself."""
    to_logits = keras.Model(network.inputs, network.get_layer("logit").output)
    return np.asarray(to_logits.predict(images.astype(np.float32), verbose=0))


@pytest.fixture(scope="module", params=[2, 4])
def network(request: pytest.FixtureRequest) -> KerasModel:
    keras.utils.set_random_seed(3)
    return compact_cnn((32, 32, 3), request.param, filters=(4, 6))


def test_views_are_the_symmetries_of_a_square_and_can_be_undone() -> None:
    images = RNG.integers(0, 256, (2, 5, 5, 3)).astype(np.uint8)
    views = [view.turn(images) for view in VIEWS]
    assert len({view.tobytes() for view in views}) == 8
    for view, turned, by_hand in zip(VIEWS, views, turned_by_hand(images), strict=True):
        np.testing.assert_array_equal(turned, by_hand)
        np.testing.assert_array_equal(view.turn_back(turned), images)


def test_logits_are_means_over_the_views(network: KerasModel) -> None:
    by_view = np.stack([said_of(network, images) for images in turned_by_hand(CUTOUTS)])
    answers = ask_classifier(network, CUTOUTS, batch_size=2, views=8)
    np.testing.assert_allclose(answers.logits, by_view.mean(axis=0), atol=1e-5)
    np.testing.assert_array_equal(predict_logits(network, CUTOUTS, views=8), answers.logits)
    assert set(answers.spreads) == {"view_spread"}
    for i, spread in enumerate(answers.spreads["view_spread"]):
        of_predicted = by_view[:, i, by_view.mean(axis=0)[i].argmax()]
        assert spread == pytest.approx(of_predicted.std(), abs=1e-5)
        assert spread > 0


def test_one_view_is_the_cutout_as_it_is(network: KerasModel) -> None:
    answers = ask_classifier(network, CUTOUTS, views=1)
    np.testing.assert_allclose(answers.logits, said_of(network, CUTOUTS), atol=1e-5)
    assert answers.spreads == {}
    assert mean_over_views(network, 1) is network


def test_turned_galaxies_get_the_same_answer(network: KerasModel) -> None:
    answers = ask_classifier(network, CUTOUTS, views=8)
    for images in turned_by_hand(CUTOUTS):
        again = ask_classifier(network, images, views=8)
        np.testing.assert_allclose(again.logits, answers.logits, atol=1e-5)
        spreads = again.spreads["view_spread"], answers.spreads["view_spread"]
        np.testing.assert_allclose(*spreads, atol=1e-5)


def test_rows_can_be_chosen(network: KerasModel) -> None:
    some = ask_classifier(network, CUTOUTS, np.array([2, 0]), views=8)
    everything = ask_classifier(network, CUTOUTS, views=8)
    np.testing.assert_allclose(some.logits, everything.logits[[2, 0]], atol=1e-6)


def test_the_explained_network_says_what_is_predicted(network: KerasModel) -> None:
    over_views = mean_over_views(network, 8)
    expected = predict_logits(network, CUTOUTS, views=8)
    images = CUTOUTS.astype(np.float32)
    np.testing.assert_allclose(logit_model(over_views).predict(images, verbose=0), expected,
                               atol=1e-5)  # fmt: skip
    probabilities = over_views.predict(images, verbose=0)
    if probabilities.shape[1] == 1:
        np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-expected)), atol=1e-5)
    else:
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_maps_of_the_mean_are_means_of_the_maps_turned_back(network: KerasModel) -> None:
    classes = np.array([1, 0, 1])
    options: dict[str, Any] = {"baseline": "black"}  # the same from every side
    expected = np.mean(
        [
            view.turn_back(grad_cam(network, view.turn(CUTOUTS), classes, **options).maps)
            for view in VIEWS
        ],
        axis=0,
    )
    found = grad_cam(mean_over_views(network, 8), CUTOUTS, classes, **options)
    largest = np.abs(expected).max()
    np.testing.assert_allclose(found.maps, expected, atol=1e-4 * largest)
    assert np.abs(found.quality["completeness_residual"]).max() < 1e-3


def test_hiding_galaxies_from_the_mean_is_hiding_them_from_every_view(network: KerasModel) -> None:
    classes = np.array([1, 0, 1])
    options: dict[str, Any] = {"patch": 16, "stride": 16, "hide_with": "black"}
    expected = np.mean(
        [
            view.turn_back(occlusion(network, view.turn(CUTOUTS), classes, **options).maps)
            for view in VIEWS
        ],
        axis=0,
    )
    found = occlusion(mean_over_views(network, 8), CUTOUTS, classes, **options)
    np.testing.assert_allclose(found.maps, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["transfer", "ensemble"])
def test_every_network_can_be_explained_over_views(name: str, build_small: BuildSmall) -> None:
    network = build_small(name)
    over_views = mean_over_views(network, 8)
    maps, quality, *_ = grad_cam(over_views, CUTOUTS, np.array([1, 1, 1]), n_skies=2)
    np.testing.assert_allclose(quality["logit"], predict_logits(network, CUTOUTS, views=8)[:, 0],
                               atol=1e-4)  # fmt: skip
    assert np.abs(maps).max() > 0
    *_, (_, forgotten) = randomised_models(over_views, seed=0)
    assert not np.allclose(
        forgotten.predict(CUTOUTS.astype(np.float32), verbose=0),
        over_views.predict(CUTOUTS.astype(np.float32), verbose=0),
    )


def test_cutouts_that_are_not_square_are_refused() -> None:
    network = compact_cnn((32, 24, 3), 2, filters=(2, 3))
    with pytest.raises(ValueError, match=r"Found cut-outs of 32 × 24 px; expected square ones"):
        ask_classifier(network, CUTOUTS[:, :, :24], views=8)
    with pytest.raises(ValueError, match=r"Found cut-outs of 32 × 24 px; expected square ones"):
        mean_over_views(network, 8)
    assert ask_classifier(network, CUTOUTS[:, :, :24], views=1).logits.shape == (3, 1)


@pytest.mark.parametrize("views", [0, 4, 2.5, "all"])
def test_there_is_one_view_or_there_are_eight(views: Any) -> None:
    sound = {"batch_size": 2, "precision": "float32"}
    assert PredictionOptions.model_validate(sound | {"views": 8}).views == 8
    with pytest.raises(ValidationError, match="Input should be 1 or 8"):
        PredictionOptions.model_validate(sound | {"views": views})
