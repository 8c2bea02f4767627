"""How every network begins and ends, so that the rest of the project can rely on it."""

from typing import Any

from galaxy_morphology.networks.bands import BandScale
from galaxy_morphology.typing import KerasModel

IN_NOISE, STANDARDISED = "bands_in_noise", "bands_standardised"
"""The layers before and after the stretch of bands."""


def cutout_input(
    image_shape: tuple[int, int, int], *, colour: bool, bands: BandScale | None = None
) -> tuple[Any, Any]:
    """Take pixel values of 0 to 255, RGB, and scale them to 0 to 1; or bands, and stretch them.

    Args:
        image_shape: Height, width and channels of a cut-out.
        colour: Whether the network sees colours, or only the mean of the channels.
        bands: What bands are scaled by, to numbers with a mean of 0 and a standard deviation of 1;
            None for pictures.

    Returns:
        The input, and what the first layer sees of it.
    """
    import keras
    from keras.layers import Rescaling

    inputs = keras.Input(image_shape, name="cutout")
    if bands is None:
        scaled = Rescaling(1 / 255, name="scale")(inputs)
    else:
        signal = _standardise(bands.sky, bands.noise, name=IN_NOISE)(inputs)
        stretched = keras.ops.arcsinh(signal)
        scaled = _standardise(bands.mean, bands.deviation, name=STANDARDISED)(stretched)
    return inputs, scaled if colour else keras.ops.mean(scaled, axis=-1, keepdims=True)


def sees_bands(network: KerasModel) -> bool:
    """Whether a network takes bands, and no pictures."""
    return any(layer.name.endswith(IN_NOISE) for layer in network.layers)


def _standardise(zero: tuple[float, ...], one: tuple[float, ...], *, name: str) -> Any:
    """A layer that takes what is zero off each band, and divides by what is one."""
    from keras.layers import Rescaling

    factors = [1 / each for each in one]
    offsets = [-each * factor for each, factor in zip(zero, factors, strict=True)]
    return Rescaling(factors, offsets, name=name)


def classifier(inputs: Any, features: Any, n_classes: int, *, name: str) -> KerasModel:
    """End in a layer ``logit`` and, after it, one named ``probability``.

    Explanations start from the logit: they need not go through a saturated sigmoid.

    Args:
        inputs: From :func:`cutout_input`.
        features: What the classes are told from, [N, features].
        n_classes: Two classes are one logit and a sigmoid, more are as many logits and a softmax.
        name: Of the network.

    Returns:
        An uncompiled model.
    """
    import keras
    from keras import layers

    logit = layers.Dense(1 if n_classes == 2 else n_classes, name="logit")(features)
    activation = "sigmoid" if n_classes == 2 else "softmax"
    probability = layers.Activation(activation, name="probability")(logit)
    return keras.Model(inputs, probability, name=name)
