"""Integrated Gradients that are refined until they add up, against the residual of a cubic."""

import keras
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from galaxy_morphology.attribution.integrated_gradients import integrated_gradients
from galaxy_morphology.typing import KerasModel


@pytest.fixture(scope="module")
def cubic() -> KerasModel:
    """f(x) = x³ of one pixel.

    From 0 to x the integral of 3 (s x)² x is x³, and the midpoint rule with n steps misses it by
    x³ / (4 n²).
    """
    inputs = keras.Input((1, 1, 1))
    outputs = keras.layers.Dense(1, use_bias=False)(keras.layers.Flatten()(inputs**3))
    model = keras.Model(inputs, outputs)
    model.set_weights([np.ones((1, 1))])
    return model


@given(
    x=st.sampled_from([1, 2]), steps=st.integers(1, 6), maximum=st.integers(1, 60),
    tolerance=st.floats(1e-4, 0.3),
)  # fmt: skip
@settings(max_examples=15)
def test_steps_are_doubled_until_the_map_adds_up(
    cubic: KerasModel, x: int, steps: int, maximum: int, tolerance: float
) -> None:
    doubled = steps * 2.0 ** np.arange(8)  # where rounding decides, anything may be found
    assume((np.abs(x**3 / (4 * doubled**2) - tolerance) > 1e-5).all())
    image = np.full((1, 1, 1, 1), x, np.float32)
    _, quality, _, notes = integrated_gradients(
        cubic, image, np.array([1]), steps=steps, tolerance=tolerance, maximum_steps=maximum,
        baseline="black",
    )  # fmt: skip
    expected = steps
    while x**3 / (4 * expected**2) > tolerance and 2 * expected <= maximum:
        expected *= 2
    residual = x**3 / (4 * expected**2)
    assert quality["steps"].tolist() == [expected]
    assert quality["completeness_residual"][0] == pytest.approx(residual, abs=1e-5)
    assert quality["complete"].tolist() == [float(residual <= tolerance)]
    assert notes == [f"adds up to within {quality['completeness_residual'][0]:.2f} logits"]


def test_only_the_galaxies_that_need_it_are_integrated_again() -> None:
    # f(x, y) = x³ + y: exact for a galaxy of y alone, for one of x alone off by x³ / (4 n²).
    inputs = keras.Input((1, 1, 2))
    x, y = inputs[..., :1], inputs[..., 1:]
    outputs = keras.layers.Dense(1, use_bias=False)(keras.layers.Flatten()(x**3 + y))
    model = keras.Model(inputs, outputs)
    model.set_weights([np.ones((1, 1))])
    images = np.array([[0, 5], [4, 0], [0, 2]], np.float32).reshape(3, 1, 1, 2)
    maps, quality, *_ = integrated_gradients(
        model, images, np.array([1, 1, 0]), steps=2, tolerance=0.3, baseline="black"
    )
    assert quality["steps"].tolist() == [2, 8, 2]  # 4, 1, then 1/4 of a logit are missing
    assert quality["complete"].tolist() == [1, 1, 1]
    expected = np.array([[0, 5], [64 - 1 / 4, 0], [0, -2]])
    np.testing.assert_allclose(maps.reshape(3, 2), expected, rtol=1e-5)


def test_where_the_first_steps_suffice_nothing_changes(cubic: KerasModel) -> None:
    images = np.linspace(0.5, 2, 4, dtype=np.float32).reshape(4, 1, 1, 1)
    once = integrated_gradients(
        cubic, images, steps=9, tolerance=np.inf, maximum_steps=9, baseline="black"
    )
    unasked = integrated_gradients(cubic, images, steps=9, baseline="black")  # 8 / 324 are missing
    np.testing.assert_array_equal(unasked.maps, once.maps)
    for name in ("logit", "baseline_logit", "completeness_residual", "complete"):
        np.testing.assert_array_equal(unasked.quality[name], once.quality[name])
    assert (unasked.quality["steps"] == 9).all()


def test_a_galaxy_that_never_adds_up_says_so(cubic: KerasModel) -> None:
    image = np.ones((1, 1, 1, 1), np.float32)
    _, quality, *_ = integrated_gradients(
        cubic, image, np.array([1]), steps=3, tolerance=0.0, maximum_steps=11, baseline="black"
    )
    assert (quality["steps"][0], quality["complete"][0]) == (6, 0)
    # Fewer than the first steps may be allowed: then these are taken, and no others.
    _, quality, *_ = integrated_gradients(
        cubic, image, np.array([1]), steps=3, tolerance=0.0, maximum_steps=2, baseline="black"
    )
    assert (quality["steps"][0], quality["complete"][0]) == (3, 0)


def test_an_empty_cutout_is_complete(cubic: KerasModel) -> None:
    maps, quality, *_ = integrated_gradients(cubic, np.zeros((1, 1, 1, 1)), baseline="black")
    assert (maps.item(), quality["completeness_residual"][0], quality["complete"][0]) == (0, 0, 1)


def test_no_steps_are_refused(cubic: KerasModel) -> None:
    with pytest.raises(ValueError, match="Found 0 steps; expected 1 or more"):
        integrated_gradients(cubic, np.ones((1, 1, 1, 1)), steps=0)
