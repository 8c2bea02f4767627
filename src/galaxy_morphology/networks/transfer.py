"""Transfer learning: a network that others have trained, with a new head for galaxies."""

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator

from galaxy_morphology.compiled import calls_of, origin
from galaxy_morphology.networks.bands import BandScale
from galaxy_morphology.networks.ends import classifier, cutout_input
from galaxy_morphology.typing import KerasModel, Share

KERAS_BACKBONES = (
    "ConvNeXtTiny", "ConvNeXtSmall", "ConvNeXtBase",
    "DenseNet121", "DenseNet169", "DenseNet201",
    "EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2", "EfficientNetV2B3",
    "EfficientNetV2S", "EfficientNetV2M",
    "InceptionV3", "MobileNet", "MobileNetV2", "MobileNetV3Large", "MobileNetV3Small",
    "ResNet50", "ResNet101", "ResNet152", "ResNet50V2", "ResNet101V2", "ResNet152V2",
    "VGG16", "VGG19", "Xception",
)  # fmt: skip
"""Networks of ``keras.applications`` that can be a backbone."""

PHOTOGRAPH_MEAN, PHOTOGRAPH_DEVIATION = 0.449, 0.226
"""Of the pixels of ImageNet, from 0 to 1, over the channels: what bands are scaled to."""

WEIGHTS_FOLDER = Path("~/.keras")
"""Where Keras looks for ImageNet weights, in the folder ``models``, and downloads them to."""


def _known_backbone(backbone: str) -> str:
    """Refuse what is neither the name of a network nor a file that is there."""
    if backbone in KERAS_BACKBONES:
        return backbone
    if not backbone.endswith(".keras"):
        raise ValueError(
            f"no backbone is named {backbone}; expected the path of a .keras file or one of "
            f"{', '.join(KERAS_BACKBONES)}"
        )
    return _existing_file(backbone)


def _known_weights(weights: str | None) -> str | None:
    """Refuse a file of weights that is not there."""
    return weights if weights in (None, "imagenet") else _existing_file(weights)


def _existing_file(name: str) -> str:
    """The path of a file, with ``~`` written out."""
    path = Path(name).expanduser()
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return str(path)


def transfer_cnn(
    image_shape: tuple[int, int, int],
    n_classes: int,
    *,
    colour: bool = True,
    bands: BandScale | None = None,
    backbone: Annotated[str, AfterValidator(_known_backbone)] = "EfficientNetV2B0",
    weights: Annotated[str | None, AfterValidator(_known_weights)] = "imagenet",
    dropout: Share = 0.2,
) -> KerasModel:
    """Put a head for galaxies on the convolutions of a network that has learned from photographs.

    What the backbone does to the pixels before its first convolution becomes one layer, which
    scales every band; the convolution's filters are adapted to bands other than RGB. Where these
    are no pictures, they are scaled to the mean and the spread of photographs. The layers of the
    backbone become layers of the classifier, also those of networks inside it, so that
    explanations find them and the backbone's file is no longer needed. Its own head is left out.
    The new one averages the last maps and tells the classes from their means.

    Args:
        image_shape: Height, width and channels of a cut-out; one channel or more.
        n_classes: Two classes are one logit and a sigmoid, more are as many logits and a softmax.
        colour: Whether the network sees colours, or only the mean of the channels.
        bands: What bands are scaled by; None for pictures.
        backbone: One of :data:`KERAS_BACKBONES`, or the path of a ``.keras`` file of a functional
            network for RGB pixels of 0 to 255, with or without a head.
        weights: ``imagenet``, which Keras downloads to ``~/.keras/models`` if they are not there;
            the path of a file of weights for the backbone without its head; or None: those of the
            ``.keras`` file, random ones for a name. For a ``.keras`` file, ``imagenet`` is None.
        dropout: Share of the averaged features dropped.

    Returns:
        An uncompiled model from pixel values of 0 to 255, RGB, or bands, to probabilities.

    Raises:
        ValueError: The file holds no such network, or weights of another; or the cut-outs are too
            small for it.
        FileNotFoundError: The ImageNet weights are not there and cannot be downloaded; names the
            file and where to put it.
    """
    import keras
    from keras import layers

    if backbone.endswith(".keras"):
        network, preprocess = _network_in(backbone), np.asarray
    else:
        network, preprocess = _keras_network(backbone, image_shape, weights)
    if weights not in (None, "imagenet"):
        _load_weights(network, weights, backbone)
    network = _flat(network)
    network.trainable = True

    inputs, x = cutout_input(image_shape, colour=colour, bands=bands)
    mixtures = _as_rgb(x.shape[-1])
    stem, seen = _stem(network, backbone)
    scale, offset, order = _scaling(network, seen, preprocess, backbone)
    factors, offsets = 255 * mixtures @ scale, mixtures @ offset
    if bands is not None:
        factors, offsets = PHOTOGRAPH_DEVIATION * factors, offsets + PHOTOGRAPH_MEAN * factors
    x = layers.Rescaling(factors.tolist(), offsets.tolist(), name="scale_for_backbone")(x)
    try:
        x = _call_again(network, [x], instead_of=[seen],
                        exchanged={id(stem): _for_bands(stem, mixtures, order)})  # fmt: skip
    except ValueError as error:
        raise _unfit(image_shape, backbone, error) from None
    except KeyError:
        raise _seen_elsewhere(backbone) from None
    x = layers.GlobalAveragePooling2D(name="mean_over_frame")(x)
    x = layers.Dropout(dropout, name="head_dropout")(x)
    whole = classifier(inputs, x, n_classes, name="transfer_cnn")
    # Layers of its own, each called once: those of the backbone also belong to the backbone.
    network = keras.models.clone_model(whole)
    network.set_weights(whole.get_weights())
    return network


# ------------------------------------------------------------------ where backbones come from


def _network_in(path: str) -> KerasModel:
    """The network that a ``.keras`` file holds."""
    import keras

    wanted = "expected a network of convolutions for RGB pixels of 0 to 255, saved by Keras"
    try:
        network = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever a file that is none makes Keras stumble over
        raise ValueError(
            f"The backbone {path} cannot be read ({_first_line(error)}): {wanted}."
        ) from None
    inputs = getattr(network, "inputs", None) or []
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].shape[-1] != 3:
        found = ", ".join(str(tuple(tensor.shape)) for tensor in inputs) or "no graph of layers"
        raise ValueError(
            f"The backbone {path} has the input {found}: {wanted}, whose input is "
            "(None, height, width, 3)."
        )
    return network


def _keras_network(
    name: str, image_shape: tuple[int, int, int], weights: str | None
) -> tuple[KerasModel, Callable[..., Any]]:
    """A network of ``keras.applications`` without its head, and what it wants done to pixels."""
    import keras

    build = getattr(keras.applications, name)
    with warnings.catch_warnings(), _weights_or_a_sentence(name):
        warnings.simplefilter("ignore")  # of weights that were learned at another size
        try:
            network = build(
                include_top=False,
                weights="imagenet" if weights == "imagenet" else None,
                input_shape=(*image_shape[:2], 3),
            )
        except ValueError as error:
            raise _unfit(image_shape, name, error) from None
    return network, inspect.getmodule(build).preprocess_input  # type: ignore[union-attr]


@contextmanager
def _weights_or_a_sentence(backbone: str) -> Iterator[None]:
    """Let Keras find its weights where its users keep them, and say so where it does not.

    The project has a ``keras.json`` of its own, and with it Keras would look beside that.
    """
    from keras.src.utils import file_utils

    folder = WEIGHTS_FOLDER.expanduser()
    get_file = file_utils.get_file

    def look_for(name: str, origin: str, **how: Any) -> str:
        (folder / "models").mkdir(parents=True, exist_ok=True)
        try:
            return str(get_file(name, origin, cache_dir=str(folder), **how))
        except Exception as error:  # Keras raises nothing more special
            raise FileNotFoundError(
                f"The ImageNet weights of {backbone} are not in {folder / 'models'}, or are not "
                f"whole, and could not be downloaded ({_first_line(error)}). Put the file {name}, "
                f"which is at {origin}, into that folder; or name it: "
                "`network.options.transfer.weights`."
            ) from None

    file_utils.get_file = look_for
    try:
        yield
    finally:
        file_utils.get_file = get_file


def _load_weights(network: KerasModel, path: str, backbone: str) -> None:
    """Give a network the weights of a file."""
    try:
        network.load_weights(path)
    except Exception as error:  # of h5py, Keras or zipfile
        raise ValueError(
            f"{path} does not hold the weights of the backbone {backbone} without its head: "
            f"{_first_line(error)}"
        ) from None


def _unfit(image_shape: tuple[int, ...], backbone: str, error: Exception) -> ValueError:
    """What to say of cut-outs that a backbone cannot take."""
    return ValueError(
        f"The backbone {backbone} cannot take cut-outs of {image_shape[0]} × {image_shape[1]} px "
        f"({_first_line(error)}). Choose another size (`cutouts.side`), or another backbone "
        "(`network.options.transfer.backbone`)."
    )


def _seen_elsewhere(backbone: str) -> ValueError:
    """What to say of a backbone whose first convolution cannot be exchanged."""
    return ValueError(
        f"The backbone {backbone} uses its pixels in more places than in its first convolution; "
        "expected a network that begins with one."
    )


def _first_line(error: Exception) -> str:
    """What an error says, in a line that can stand within a sentence."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


# ------------------------------------------------------------------ taking a network apart

OWN_NAMES = {"cutout", "scale", "scale_for_backbone", "mean_over_frame", "head_dropout", "logit",
             "probability"}  # fmt: skip
"""Names that the classifier needs for its own layers."""


def _flat(network: KerasModel) -> KerasModel:
    """The same layers without networks inside networks, up to the last maps."""
    import keras

    inputs = keras.Input(network.inputs[0].shape[1:])
    whole = keras.Model(inputs, _call_again(network, [inputs], taken=set(OWN_NAMES)))
    maps = whole.outputs[0]
    if len(maps.shape) != 4:  # it ends in a head
        maps = [found for call in calls_of(whole) for found in call.outputs if _are_maps(found)][-1]
    return keras.Model(inputs, maps)


def _call_again(
    network: KerasModel,
    begin_with: list[Any],
    *,
    instead_of: list[Any] | None = None,
    exchanged: dict[int, Any] | None = None,
    taken: set[str] | None = None,
) -> Any:
    """Call the layers of a network, and of networks inside it, one by one.

    Args:
        network: Functional or Sequential.
        begin_with: Tensors to begin with.
        instead_of: The tensors of its graph that these replace; None for its inputs.
        exchanged: Layers to call in place of others, by these layers' ids.
        taken: Names that no layer may have; those met are added. None leaves names as they are.

    Returns:
        What the network puts out, a tensor.
    """
    import keras

    tensors = {
        id(old): new for old, new in zip(instead_of or network.inputs, begin_with, strict=True)
    }
    named: set[int] = set()
    for call in calls_of(network):
        layer = call.operation
        if not call.input_tensors or any(id(found) not in tensors for found in call.input_tensors):
            continue  # an input, or what comes before where we begin
        args, kwargs = call.arguments.fill_in(tensors)
        if isinstance(layer, keras.Model):
            found = _call_again(layer, keras.tree.flatten(args[0]), taken=taken)
        else:
            if taken is not None and id(layer) not in named:
                layer.name = _free_name(layer.name, taken)
                named.add(id(layer))
            found = (exchanged or {}).get(id(layer), layer)(*args, **kwargs)
        tensors |= {
            id(old): new for old, new in zip(call.outputs, keras.tree.flatten(found), strict=True)
        }
    return tensors[id(network.outputs[0])]


def _free_name(name: str, taken: set[str]) -> str:
    """A name that no layer has yet, like the one that a layer has; it is then taken."""
    while name in taken:
        name += "_again"
    taken.add(name)
    return name


def _are_maps(tensor: Any) -> bool:
    """Whether a tensor is [N, height, width, filters] with more than one pixel."""
    return len(tensor.shape) == 4 and tuple(tensor.shape[1:3]) != (1, 1)


# ------------------------------------------------------------------ pixels and bands


def _stem(network: KerasModel, backbone: str) -> tuple[Any, Any]:
    """The first convolution of a network, and the tensor that enters it or the padding before."""
    from keras import layers

    for call in calls_of(network):
        if isinstance(call.operation, layers.Conv2D):
            seen = call.input_tensors[0]
            before, its_inputs = origin(seen)
            if isinstance(before, layers.ZeroPadding2D):
                seen = its_inputs[0]
            if sum(id(seen) in map(id, one.input_tensors) for one in calls_of(network)) > 1:
                raise _seen_elsewhere(backbone)
            return call.operation, seen
    raise ValueError(
        f"The backbone {backbone} has no layer Conv2D; expected a network of convolutions."
    )


def _scaling(
    network: KerasModel, seen: Any, preprocess: Callable[..., Any], backbone: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """What becomes of a pixel before the first convolution, found by showing it some.

    Returns:
        What red, green and blue of 0 to 255 are multiplied by, [3]; what is added, [3]; and the
        channel of the convolution that sees each of them, [3].
    """
    import keras

    size = [side or 1 for side in network.input_shape[1:3]]
    colours = np.concatenate([np.zeros((1, 3)), np.eye(3), [[0.5, 0.2, 0.8]]])
    shown = np.broadcast_to(255 * colours[:, None, None], (5, *size, 3)).astype(np.float32)
    entering = keras.Model(network.inputs[0], seen)(preprocess(shown.copy()), training=False)
    found = np.asarray(entering, np.float64)
    pixels = found[:, found.shape[1] // 2, found.shape[2] // 2]
    offset, response = pixels[0], pixels[1:4] - pixels[0]  # [colour, channel]
    order = np.abs(response).argmax(axis=1)
    scale = response[np.arange(3), order]
    is_understood = (
        found.shape == shown.shape
        and sorted(order) == [0, 1, 2]
        and np.allclose(pixels[4][order], colours[4] * scale + offset[order], atol=1e-3)
    )
    if not is_understood:
        raise ValueError(
            f"The backbone {backbone} changes pixels before its first convolution by more than a "
            "factor and an offset for each channel. Leave that out of the file, or let the "
            "network begin with its first convolution."
        )
    return scale / 255, offset[order], order


def _as_rgb(n_bands: int) -> NDArray[np.float64]:
    """Which mixture of red, green and blue each band is taken for, [bands, 3].

    One or two bands are taken for grey; of four or more, the fourth is red again.
    """
    if n_bands < 3:
        return np.full((n_bands, 3), 1 / 3)
    return np.eye(3)[np.arange(n_bands) % 3]


def _for_bands(stem: Any, bands: NDArray[np.float64], order: NDArray[np.intp]) -> Any:
    """The first convolution for other bands; to it, all bands together are what RGB was."""
    kernel, *bias = stem.get_weights()
    shares = bands / bands.sum(axis=0)
    adapted = type(stem).from_config(stem.get_config())
    adapted.build((None, None, None, len(bands)))
    adapted.set_weights([shares @ kernel[:, :, order], *bias])
    return adapted
