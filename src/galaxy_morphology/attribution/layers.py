"""Where in the graph of a Keras model its feature maps are."""

from typing import Any

from galaxy_morphology.attribution.logits import check_classifier
from galaxy_morphology.compiled import calls_of
from galaxy_morphology.typing import KerasModel


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


def _cannot_look_into(holder: Any) -> str:
    """Why a convolution inside another model cannot be looked at, and what to do."""
    import keras

    operation, output = holder.operation, holder.outputs[0]
    kind = "nested model" if isinstance(operation, keras.Model) else "layer"
    remedy = "Build the classifier flat, by calling those layers one by one"
    if _are_maps(output):
        remedy += f", or pass layer_name={operation.name!r} to explain with the maps that leave it"
    return f"The last convolution lies inside the {kind} {operation.name!r}. {remedy}."
