"""Where the cells of feature maps look, against which pixels they are seen to change with."""

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras import layers, ops

from galaxy_morphology.attribution.layers import Cells, cells_of
from galaxy_morphology.networks import NETWORKS
from galaxy_morphology.typing import KerasModel

ONES: dict[str, Any] = {"use_bias": False, "kernel_initializer": "ones"}
ONES_APART: dict[str, Any] = {
    "use_bias": False, "depthwise_initializer": "ones", "pointwise_initializer": "ones",
}  # fmt: skip


def ending_in(maps: Any, image: Any) -> KerasModel:
    return keras.Model(image, layers.Dense(1)(layers.GlobalAveragePooling2D()(maps)))


def seen_middles(image: Any, maps: Any, side: int, axis: int) -> dict[int, float]:
    """The middle of the pixels that change a cell, for cells that the frame does not cut off.

    Measured by lighting up a row (or column) of pixels after the other; no weight is negative.
    """
    lines = np.repeat(np.eye(side, dtype=np.float32)[:, :, None, None], side, axis=2)
    lines = lines if axis == 1 else lines.swapaxes(1, 2)
    answers = np.asarray(keras.Model(image, maps)(lines))
    sees = answers.sum(axis=(3, 3 - axis)).T > 0  # [cells, pixels]
    first, last = sees.argmax(axis=1), side - 1 - sees[:, ::-1].argmax(axis=1)
    length = np.where(sees.any(axis=1), last - first, -1)  # a cell of padding alone sees nothing
    whole = np.flatnonzero(length == length.max())
    return {int(cell): (first[cell] + last[cell]) / 2 for cell in whole}


def assert_cells_look_at(image: Any, maps: Any, side: int) -> None:
    name = maps._keras_history.operation.name
    sizes = tuple(keras.Model(image, maps)(np.zeros((1, side, side, 1))).shape[1:3])
    found = cells_of(ending_in(maps, image), name, (side, side), sizes)
    for axis, cells in enumerate(found, start=1):
        assert cells.number == sizes[axis - 1]
        middles = seen_middles(image, maps, side, axis)
        assert len(middles) >= 2
        for cell, middle in middles.items():
            assert cells.first + cell * cells.spacing == pytest.approx(middle)


SMALL = st.integers(1, 3)
SIDES = st.tuples(SMALL, SMALL)
PADDINGS = st.sampled_from(["valid", "same"])
LAYERS = st.one_of(
    st.builds(
        lambda size, stride, padding: layers.Conv2D(1, size, stride, padding, **ONES),
        st.tuples(st.integers(1, 4), st.integers(1, 4)), st.sampled_from([1, 2]), PADDINGS,
    ),
    st.builds(
        lambda size, dilation, padding: layers.Conv2D(
            1, size, padding=padding, dilation_rate=dilation, **ONES
        ),
        SIDES, SIDES, PADDINGS,
    ),
    st.builds(
        lambda size, padding: layers.SeparableConv2D(1, size, padding=padding, **ONES_APART),
        SIDES, PADDINGS,
    ),
    st.builds(
        lambda size, stride, padding: layers.AveragePooling2D(size, stride, padding),
        SIDES, st.sampled_from([None, 1, 2]), PADDINGS,
    ),
    st.builds(lambda *sides: layers.ZeroPadding2D(sides), SIDES, SIDES),
    st.builds(lambda *sides: layers.Cropping2D(sides), SIDES, SIDES),
    st.builds(layers.ReLU),
)  # fmt: skip


@given(
    chain=st.lists(LAYERS, min_size=1, max_size=3), side=st.integers(60, 71), sized=st.booleans()
)
@settings(max_examples=60)
def test_cells_look_where_pixels_change_them(chain: list[Any], side: int, sized: bool) -> None:
    assume(np.prod([max(getattr(layer, "strides", (1, 1))) for layer in chain]) <= 9)
    image = keras.Input((side, side, 1) if sized else (None, None, 1))
    maps = image
    for layer in chain:
        maps = layer(maps)
    assert_cells_look_at(image, maps, side)


def residual(x: Any) -> Any:
    y = layers.Conv2D(1, 3, padding="same", **ONES)(layers.Conv2D(1, 3, padding="same", **ONES)(x))
    return layers.ReLU()(layers.Add()([x, y]))


def squeezed_and_excited(x: Any) -> Any:
    x = layers.Conv2D(1, 3, 2, **ONES)(x)
    return layers.Multiply()([layers.GlobalAveragePooling2D(keepdims=True)(x), x])


def of_operations(x: Any) -> Any:
    return ops.relu(ops.average_pool(layers.Conv2D(1, 4, **ONES)(x), 3))


def nested(x: Any) -> Any:
    x = layers.Cropping2D(2)(x)
    inside = [layers.ZeroPadding2D(((0, 3), (2, 1))), layers.Conv2D(1, 3, 2, **ONES)]
    return keras.Sequential([keras.Input(x.shape[1:]), *inside])(x)


def wrapped(x: Any) -> Any:
    return layers.SpectralNormalization(layers.Conv2D(1, 2, 2, **ONES))(x)


@pytest.mark.parametrize("side", [40, 41])
@pytest.mark.parametrize("body", [residual, squeezed_and_excited, of_operations, nested, wrapped])
def test_branches_operations_and_models_in_models_are_followed(body: Any, side: int) -> None:
    image = keras.Input((side, side, 1))
    assert_cells_look_at(image, body(layers.Conv2D(1, 3, 2, "same", **ONES)(image)), side)


def test_pooling_of_the_largest_looks_where_that_of_the_mean_does() -> None:
    def cells(pooling: Any, size: int, padding: str) -> Any:
        image = keras.Input((45, 45, 1))
        maps = pooling(size, padding=padding, name="pooled")(image)
        sizes = tuple(maps.shape[1:3])
        return cells_of(ending_in(maps, image), "pooled", (45, 45), sizes)

    for size in (2, 3):
        for padding in ("valid", "same"):
            kinds = layers.MaxPooling2D, layers.AveragePooling2D
            largest, mean = (cells(kind, size, padding) for kind in kinds)
            assert largest == mean


def test_branches_that_look_at_different_places_are_taken_in_the_middle() -> None:
    # Of 40 pixels, those of 3 × 3 kernels look at 1, 3, ...; those of a 1 × 1 kernel at 0, 2, ...
    image = keras.Input((40, 40, 1))
    branches = [layers.Conv2D(1, size, 2, "same")(image) for size in (3, 1)]
    model = ending_in(layers.Add(name="sum")(branches), image)
    assert cells_of(model, "sum", (40, 40), (20, 20)) == (Cells(0.5, 2.0, 20),) * 2


@pytest.mark.parametrize(
    "resize",
    [
        layers.UpSampling2D(2, name="resized"),
        layers.Conv2DTranspose(1, 2, 2, name="resized"),
        layers.Resizing(26, 26, name="resized"),
    ],
)
@pytest.mark.parametrize("sized", [True, False])
def test_what_cannot_be_followed_lies_evenly_over_the_frame(resize: Any, sized: bool) -> None:
    # 26 cells on 39 pixels are 1.5 apart, and the first has its middle at 0.25.
    image = keras.Input((39, 39, 1) if sized else (None, None, 1))
    resize = type(resize).from_config(resize.get_config())
    maps = resize(layers.Conv2D(1, 3, 3)(image))
    assert cells_of(ending_in(maps, image), "resized", (39, 39), (26, 26)) == (
        (Cells(0.25, 1.5, 26),) * 2
    )


@pytest.mark.parametrize(
    ("network", "options", "middles"),
    [
        # A convolution moves the first cell by its spacing, a pooling by half of it: 1 + 0.5 with
        # a spacing of 1, 2 + 1 with one of 2, and 4.
        ("three_block", {"filters": (2, 2, 2)}, Cells(8.5, 4.0, 28)),
        ("compact", {"filters": (2, 2, 2, 2)}, Cells(4.0, 8.0, 16)),
    ],
)
def test_the_last_maps_of_our_networks(
    network: str, options: dict[str, Any], middles: Cells
) -> None:
    model = NETWORKS[network]((128, 128, 3), 2, **options)
    sizes = tuple(model.get_layer("last_conv").output.shape[1:3])
    rows, columns = cells_of(model, None, (128, 128), sizes)
    assert rows == columns == middles
