"""Where in the graph of a Keras model its feature maps are."""

from typing import Any, NamedTuple

from galaxy_morphology.attribution.logits import check_classifier
from galaxy_morphology.compiled import calls_of, once_per_network, origin
from galaxy_morphology.typing import KerasModel


class Cells(NamedTuple):
    """The cells of a feature map along one side of the image.

    Attributes:
        first: The pixel in the middle of what the first cell sees; pixel 0 has its middle at 0.
        spacing: Pixels from the middle of one cell to that of the next.
        number: How many cells.
    """

    first: float
    spacing: float
    number: int


_Grid = tuple[Cells, Cells]  # along height and width


def last_feature_maps(model: KerasModel) -> str:
    """The layer after which a network last knows where in the image it saw what.

    That is the last convolution, or the last activation or sum of branches that follows it pixel
    by pixel: the ReLU of convolution, BatchNormalization and ReLU; the sum's ReLU in a residual
    network; but the convolution itself where it is rectified and then normalised and pooled.

    Args:
        model: A functional or Sequential Keras classifier.

    Returns:
        The name of the layer, for ``layer_name`` of :func:`grad_cam`.

    Raises:
        ValueError: No convolution leaves maps of more than one pixel, or the last one lies inside
            a nested model or a layer of one's own.
    """
    check_classifier(model)
    return str(_last_feature_maps(model)._keras_history.operation.name)


def feature_maps(model: KerasModel, layer_name: str | None) -> Any:
    """The output of a layer, or of the one that :func:`last_feature_maps` finds when None.

    Args:
        model: A functional or Sequential Keras classifier.
        layer_name: The layer. Where it is called several times, the last call that gives maps.

    Returns:
        A tensor [N, height, width, filters] of the model's graph.

    Raises:
        ValueError: The model has no such layer, or its output is no set of feature maps.
    """
    check_classifier(model)
    if layer_name is None:
        return _last_feature_maps(model)
    calls = list(calls_of(model))
    outputs = [call.outputs[0] for call in calls if call.operation.name == layer_name]
    if not outputs:
        names = list(dict.fromkeys(call.operation.name for call in calls))
        raise ValueError(f"The model has no layer {layer_name!r}; its layers are {names}.")
    maps = [output for output in outputs if len(output.shape) == 4]
    if not maps:
        raise ValueError(
            f"Layer {layer_name!r} has output {outputs[-1].shape}; Grad-CAM needs feature maps "
            "[N, height, width, filters]: name a convolution."
        )
    return maps[-1]


@once_per_network
def parts_of(model: KerasModel, layer_name: str | None) -> list[KerasModel]:
    """The parts of a classifier that have last feature maps of their own.

    Args:
        model: A functional or Sequential Keras classifier.
        layer_name: The feature maps to look at; None for the last of every part.

    Returns:
        Models that share its layers: a part for each member of an ensemble, whose logits come
        together in a layer ``member_logits``; else one that is all of it.
    """
    import keras

    check_classifier(model)
    outputs = list(model.outputs)
    for call in calls_of(model) if layer_name is None else ():
        if call.operation.name == "member_logits":
            _, outputs = origin(call.input_tensors[0])
    return [keras.Model(model.inputs[0], output, name=model.name) for output in outputs]


@once_per_network
def cells_of(
    model: KerasModel, layer_name: str | None, image: tuple[int, int], maps: tuple[int, int]
) -> tuple[Cells, Cells]:
    """Where in the image the cells of a feature map look.

    Convolutions and poolings move the middle of what a cell sees: without padding it lies inward
    by half a kernel, and TensorFlow pads more behind than before where it cannot do both alike.
    Where branches meet that look at slightly different places, their mean is taken. After a layer
    that changes the size in another way, cells are taken to lie evenly over the frame.

    Args:
        model: A functional or Sequential Keras classifier.
        layer_name: See :func:`feature_maps`.
        image: Height and width of the image in pixels.
        maps: Rows and columns of the feature map.

    Returns:
        The cells along the height and along the width.

    Raises:
        ValueError: As :func:`feature_maps`.
    """
    rows, columns = (Cells(0.0, 1.0, side) for side in image)
    grid = _grids(model, (rows, columns)).get(id(feature_maps(model, layer_name)))
    if grid is not None and tuple(cells.number for cells in grid) == tuple(maps):
        return grid
    rows, columns = (
        Cells((side / number - 1) / 2, side / number, number)
        for side, number in zip(image, maps, strict=True)
    )
    return rows, columns


def _last_feature_maps(model: KerasModel) -> Any:
    """The tensor behind :func:`last_feature_maps`."""
    last, holder = None, None
    following: set[int] = set()  # ids of maps that say pixel by pixel what a convolution found
    for call in calls_of(model):
        operation, maps = call.operation, call.outputs[0]
        if _holds_convolution(operation):
            last, holder = None, call
        elif not _are_maps(maps):
            continue
        elif _is_convolution(operation):
            last, holder = maps, None
            following.add(id(maps))
        elif before := [tensor for tensor in call.input_tensors if id(tensor) in following]:
            if _activates_or_merges(operation, before[0], maps):
                last = maps
                following.add(id(maps))
            elif _normalises(operation):
                following.add(id(maps))
    if holder is not None:
        raise ValueError(_cannot_look_into(holder))
    if last is None:
        raise ValueError(
            f"Grad-CAM needs feature maps [N, height, width, filters] of more than one pixel; "
            f"{model.name!r} has no convolution that leaves any. Explain it with Integrated "
            "Gradients, LIME or occlusion, which do without."
        )
    return last


def _are_maps(tensor: Any) -> bool:
    """Whether a tensor is [N, height, width, filters] with more than one pixel."""
    return len(tensor.shape) == 4 and tuple(tensor.shape[1:3]) != (1, 1)


def _is_convolution(operation: Any) -> bool:
    """Whether an operation is a convolution, also one in a wrapper that rescales its kernel."""
    from keras import layers

    inside = operation.layer if isinstance(operation, layers.Wrapper) else operation
    return isinstance(
        inside,
        layers.Conv2D | layers.DepthwiseConv2D | layers.SeparableConv2D | layers.Conv2DTranspose,
    )


def _holds_convolution(operation: Any) -> bool:
    """Whether an operation is a nested model, or a layer of one's own, with a convolution in it."""
    import keras

    return (
        isinstance(operation, keras.Layer)
        and not _is_convolution(operation)
        and any(map(_is_convolution, operation._flatten_layers(include_self=False)))
    )


def _normalises(operation: Any) -> bool:
    """Whether an operation only rescales maps, or drops some of them in training."""
    from keras import layers

    return isinstance(
        operation,
        layers.BatchNormalization
        | layers.LayerNormalization
        | layers.GroupNormalization
        | layers.RMSNormalization
        | layers.UnitNormalization
        | layers.Dropout
        | layers.SpatialDropout2D,
    )


def _activates_or_merges(operation: Any, before: Any, after: Any) -> bool:
    """Whether an operation bends or adds up maps pixel by pixel, as ``keras.ops.relu`` does too."""
    import keras
    from keras import layers

    if not isinstance(operation, keras.Layer):
        return tuple(after.shape[1:3]) == tuple(before.shape[1:3])
    return isinstance(
        operation,
        layers.Activation
        | layers.ReLU
        | layers.LeakyReLU
        | layers.PReLU
        | layers.ELU
        | layers.Add
        | layers.Average
        | layers.Concatenate
        | layers.Maximum
        | layers.Minimum
        | layers.Multiply
        | layers.Subtract,
    )


def _grids(network: KerasModel, image: _Grid) -> dict[int, _Grid]:
    """The cells of each map of a network that can be followed from its input, by its id."""
    grids = {id(network.inputs[0]): image}
    for call in calls_of(network):
        grid = _grid_after(call, grids)
        if grid is not None:
            grids[id(call.outputs[0])] = grid
    return grids


def _grid_after(call: Any, grids: dict[int, _Grid]) -> _Grid | None:
    """The cells of what an operation puts out, None where they cannot be followed."""
    import keras

    operation, output = call.operation, call.outputs[0]
    if not (call.input_tensors and _are_maps(output)):
        return None
    before = grids.get(id(call.input_tensors[0]))
    if isinstance(operation, keras.Model):
        return before and _grids(operation, before).get(id(operation.outputs[0]))
    windows = _windows(operation)
    if windows is not None:
        return before and (_through(before[0], windows[0]), _through(before[1], windows[1]))
    # What leaves the size as it is takes each cell from the same place; factors of a single pixel,
    # as in squeeze and excitation, know no places.
    size = output.shape[1:3]
    return _mean([grids.get(id(maps)) for maps in call.input_tensors if maps.shape[1:3] == size])


class _Window(NamedTuple):
    """What an operation looks at along one side of its maps; no padding given means "same"."""

    size: int
    stride: int = 1
    padding: tuple[int, int] | None = (0, 0)


def _windows(operation: Any) -> tuple[_Window, _Window] | None:
    """The windows of a convolution, pooling, padding or cropping along height and width."""
    from keras import layers

    inside = operation.layer if isinstance(operation, layers.Wrapper) else operation
    if getattr(inside, "data_format", None) != "channels_last":
        return None
    if isinstance(inside, layers.ZeroPadding2D):
        rows, columns = inside.padding
        return _Window(1, padding=rows), _Window(1, padding=columns)
    if isinstance(inside, layers.Cropping2D):
        (top, bottom), (left, right) = inside.cropping
        return _Window(1, padding=(-top, -bottom)), _Window(1, padding=(-left, -right))
    is_pooling = isinstance(inside, layers.MaxPooling2D | layers.AveragePooling2D) or (
        type(inside).__name__ in ("MaxPool", "AveragePool")  # of keras.ops
    )
    if is_pooling:
        sizes, dilations = _pair(inside.pool_size), (1, 1)
    elif _is_convolution(inside) and not isinstance(inside, layers.Conv2DTranspose):
        sizes, dilations = _pair(inside.kernel_size), _pair(inside.dilation_rate)
    else:
        return None
    padding = None if inside.padding == "same" else (0, 0)
    rows, columns = (
        _Window((size - 1) * dilation + 1, stride, padding)
        for size, dilation, stride in zip(
            sizes, dilations, _pair(inside.strides or sizes), strict=True
        )
    )
    return rows, columns


def _pair(value: Any) -> tuple[int, int]:
    """A number for height and width where only one is given for both."""
    rows, columns = (value, value) if isinstance(value, int) else value
    return rows, columns


def _through(cells: Cells, window: _Window) -> Cells:
    """The cells of what looks at others through a window."""
    size, stride, padding = window
    if padding is None:  # as many cells as strides; TensorFlow puts the odd pixel of padding behind
        number = -(-cells.number // stride)
        before = max((number - 1) * stride + size - cells.number, 0) // 2
    else:
        before, after = padding
        number = (cells.number + before + after - size) // stride + 1
    first = cells.first + ((size - 1) / 2 - before) * cells.spacing
    return Cells(first, cells.spacing * stride, number)


def _mean(branches: list[_Grid | None]) -> _Grid | None:
    """The mean place of the cells of several maps, None where these are not as far apart."""
    known = [grid for grid in branches if grid is not None]
    if not known or len(known) < len(branches):
        return None
    sides = list(zip(*known, strict=True))
    if any(len({cells[1:] for cells in side}) > 1 for side in sides):
        return None
    rows, columns = (
        Cells(sum(cells.first for cells in side) / len(side), *side[0][1:]) for side in sides
    )
    return rows, columns


def _cannot_look_into(holder: Any) -> str:
    """Why a convolution inside another model cannot be looked at, and what to do."""
    import keras

    operation, output = holder.operation, holder.outputs[0]
    kind = "nested model" if isinstance(operation, keras.Model) else "layer"
    remedy = "Build the classifier flat, by calling those layers one by one"
    if _are_maps(output):
        remedy += f", or pass layer_name={operation.name!r} to explain with the maps that leave it"
    return f"The last convolution lies inside the {kind} {operation.name!r}. {remedy}."
