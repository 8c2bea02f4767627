"""How every network begins and ends, so that the rest of the project can rely on it."""

from typing import Any

from galaxy_morphology.typing import KerasModel


def cutout_input(image_shape: tuple[int, int, int], *, colour: bool) -> tuple[Any, Any]:
    """Take pixel values of 0 to 255, RGB, and scale them to 0 to 1.

    Args:
        image_shape: Height, width and channels of a cut-out.
        colour: Whether the network sees colours, or only the mean of the channels.

    Returns:
        The input, and what the first layer sees of it.
    """
    import keras

    inputs = keras.Input(image_shape, name="cutout")
    scaled = keras.layers.Rescaling(1 / 255, name="scale")(inputs)
    return inputs, scaled if colour else keras.ops.mean(scaled, axis=-1, keepdims=True)


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
