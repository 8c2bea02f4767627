"""What is compiled for a network: made once, and kept as long as the network lives."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from functools import wraps
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from galaxy_morphology.typing import KerasModel

Compiled = TypeVar("Compiled")


def once_per_network(build: Callable[..., Compiled]) -> Callable[..., Compiled]:
    """Let a function that compiles something for a network do so once for each.

    TensorFlow takes some tenths of a second to trace a network with its gradient, and whoever
    explains or classifies a few galaxies at a time would wait for it each time. As with Keras' own
    ``predict``, weights may change afterwards; layers may not be exchanged. Where the new weights
    have other normalisations falling than the old, it is compiled anew, see :func:`pooling_first`.

    Args:
        build: Takes a network and hashable options. What it returns must not hold on to the
            network itself, or neither would ever be forgotten; its layers are fine.

    Returns:
        The function that remembers.
    """
    by_network: WeakKeyDictionary[Any, dict[Hashable, Compiled]] = WeakKeyDictionary()

    @wraps(build)
    def build_once(network: KerasModel, *options: Hashable) -> Compiled:
        by_options = by_network.setdefault(network, {})
        key = (options, tuple(_never_falls(norm) for norm in _norms(network)))
        if key not in by_options:
            by_options[key] = build(network, *options)
        return by_options[key]

    return build_once


def pooling_first(network: KerasModel) -> KerasModel:
    """The same network for predicting, in which a normalisation follows the pooling after it.

    What does not change the order of the pixels need not be done before the largest is picked:
    the results are the same to the last bit, for a quarter of the work. It is left as it is where
    a scale of the normalisation is negative, or where something else needs the normalised maps.

    Args:
        network: A functional Keras model.

    Returns:
        A model of the same layers; the network itself where there is nothing to exchange.
    """
    import keras
    from keras import layers

    calls = list(calls_of(network))
    times_called = Counter(id(call.operation) for call in calls)
    needs = Counter(id(tensor) for call in calls for tensor in call.input_tensors)
    needs.update(id(tensor) for tensor in network.outputs)
    first: dict[int, Any] = {}  # the normalisation that a pooling layer overtakes
    for call in calls:
        if not isinstance(call.operation, layers.MaxPooling2D):
            continue
        maps = call.input_tensors[0]
        norm, _ = origin(maps)
        if (
            isinstance(norm, layers.BatchNormalization)
            and (norm.axis in (-1, 3) and call.operation.data_format == "channels_last")
            and (times_called[id(norm)], times_called[id(call.operation)], needs[id(maps)])
            == (1, 1, 1)
            and _never_falls(norm)
        ):
            first[id(call.operation)] = norm
    if not first:
        return network

    def call_in_order(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if id(layer) not in first:
            return layer(*args, **kwargs)
        norm, (maps, *_) = origin(args[0])
        return norm(layer(maps))

    return keras.models.clone_model(
        network, clone_function=lambda layer: layer, call_function=call_in_order
    )


def calls_of(network: KerasModel) -> Iterator[Any]:
    """The calls of a network's layers and operations, from its inputs to its outputs.

    Calls and not layers, as one ReLU may be called after every convolution.

    Args:
        network: A functional or Sequential Keras model.

    Yields:
        Nodes of Keras' graph, with an ``operation``, ``input_tensors`` and ``outputs``.
    """
    import keras

    graph = keras.Model(network.inputs, network.outputs)
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        yield from graph._nodes_by_depth[depth]


def apply_again(network: KerasModel, tensor: Any, *, prefix: str = "") -> Any:
    """Apply the layers of a network to another tensor, so that they are part of its graph.

    Calling the network would put it into that graph as a single layer, whose inside nobody sees.

    Args:
        network: A functional Keras model with one input and one output.
        tensor: Symbolic, of the shape of its input.
        prefix: Where it is given, the layers are copied, without their weights, and their names
            begin with it; else they are shared.

    Returns:
        What the network makes of the tensor.
    """
    import keras

    copies: dict[int, Any] = {}  # by the id of an operation, which may be called several times

    def copy(operation: Any) -> Any:
        if isinstance(operation, keras.Layer) and not prefix:
            return operation
        name = f"{prefix or 'again_'}{operation.name}"  # in a graph, every name is there once
        return type(operation).from_config(operation.get_config() | {"name": name})

    known = {id(network.inputs[0]): tensor}
    for call in calls_of(network):
        if not call.input_tensors:
            continue
        if id(call.operation) not in copies:
            copies[id(call.operation)] = copy(call.operation)
        args, kwargs = call.arguments.fill_in(known)
        outputs = copies[id(call.operation)](*args, **kwargs)
        known |= zip(map(id, call.outputs), keras.tree.flatten(outputs), strict=True)
    return known[id(network.outputs[0])]


def origin(tensor: Any) -> tuple[Any, list[Any]]:
    """The operation that a tensor of a Keras graph comes from, and what went into it.

    A layer may be called several times; its ``input`` is that of the first, this of the right one.

    Args:
        tensor: Symbolic, such as one of the outputs of a model.

    Returns:
        A layer, model or ``keras.ops`` operation; and its input tensors.
    """
    operation, call, _ = tensor._keras_history
    return operation, list(operation._inbound_nodes[call].input_tensors)


def _norms(network: KerasModel) -> list[Any]:
    """The BatchNormalization layers of a network, but not those of networks inside it."""
    import keras

    layers = getattr(network, "layers", [])
    return [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]


def _never_falls(norm: Any) -> bool:
    """Whether a normalisation makes no pixel smaller that was larger than another."""
    return not norm.scale or bool((norm.gamma.numpy() >= 0).all())
