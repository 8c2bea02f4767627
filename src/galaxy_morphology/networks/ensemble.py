"""Several trained networks as one: the mean of their logits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from galaxy_morphology.compiled import apply_again
from galaxy_morphology.networks.bands import BandScale
from galaxy_morphology.networks.ends import sees_bands
from galaxy_morphology.typing import KerasModel


def ensemble(
    image_shape: tuple[int, int, int],
    n_classes: int,
    *,
    colour: bool = True,
    bands: BandScale | None = None,
    members: Sequence[str] = (),
) -> KerasModel:
    """Join trained classifiers in one graph, which averages their logits (Hansen & Salamon 1990).

    The layers of the members bear their number, as ``member_1_last_conv``, and keep their weights:
    the files of the members are needed no more. Their logits come together in a layer
    ``member_logits``, [N, members, 1 or K], from whose mean the probability follows, as in all
    networks, see ``ends``.

    Args:
        image_shape: Height, width and channels of a cut-out.
        n_classes: Two classes are one logit and a sigmoid, more are as many logits and a softmax.
        colour: True. Members see colours, or not, as they were trained to.
        bands: Given where images are bands. Members scale them by what they learned from.
        members: Paths of two or more classifiers, ``.keras``, saved by earlier runs.

    Returns:
        An uncompiled model from pixel values of 0 to 255, RGB, or bands, to probabilities.

    Raises:
        ValueError: There are fewer than two members, they are to see no colours, or one of them
            is no classifier of such cut-outs and so many classes.
    """
    import keras
    from keras import layers

    if len(members) < 2:
        raise ValueError(
            f"An ensemble needs two or more trained classifiers, found {len(members)}. Name their "
            "files in `network.options.ensemble.members`, such as "
            "data/seed_1/06_models/classifier.keras."
        )
    if not colour:
        raise ValueError(
            "An ensemble cannot be built with `network.colour` false: its members see colours, or "
            "not, as they were trained to. Set it to true, and name members trained without."
        )
    inputs = keras.Input(image_shape, name="cutout")
    logits = []
    loaded = [_load(path, image_shape, n_classes, of_bands=bands is not None) for path in members]
    for number, member in enumerate(loaded, start=1):
        to_logits = keras.Model(member.inputs, member.get_layer("logit").output)
        logits.append(apply_again(to_logits, inputs, prefix=f"member_{number}_"))
    together = layers.Concatenate(name="members_together")(logits)
    shape = (len(members), logits[0].shape[-1])
    by_member = layers.Reshape(shape, name="member_logits")(together)
    logit = layers.GlobalAveragePooling1D(name="logit")(by_member)
    activation = "sigmoid" if n_classes == 2 else "softmax"
    probability = layers.Activation(activation, name="probability")(logit)
    network = keras.Model(inputs, probability, name="ensemble")
    for number, member in enumerate(loaded, start=1):
        for layer in member.layers:
            if layer.weights:
                network.get_layer(f"member_{number}_{layer.name}").set_weights(layer.get_weights())
    return network


def _load(
    path: str, image_shape: tuple[int, int, int], n_classes: int, *, of_bands: bool
) -> KerasModel:
    """A member, in safe mode: a file cannot run code of its own."""
    import keras

    file = Path(path).expanduser()
    if not file.is_file():
        raise _unfit(path, "there is no such file", "a classifier that an earlier run saved")
    try:
        member = keras.models.load_model(file, safe_mode=True, compile=False)
    except Exception as error:  # Keras raises whatever the damage makes zip, JSON and HDF5 raise
        found = f"Keras cannot load it in safe mode ({' '.join(str(error).split())[:200]})"
        raise _unfit(path, found, "a whole .keras file without code of its own") from error
    names = {layer.name for layer in getattr(member, "layers", [])}
    if not {"logit", "probability"} <= names or "member_logits" in names:
        kind = "an ensemble itself" if "member_logits" in names else "no classifier of this project"
        raise _unfit(path, f"it is {kind}", "a single classifier that an earlier run saved")
    if (shape := tuple(member.input_shape[1:])) != tuple(image_shape):
        raise _unfit(path, f"it takes cut-outs {shape}", f"such as the others here, {image_shape}")
    if sees_bands(member) != of_bands:
        seen = ("pictures", "bands")
        raise _unfit(path, f"it sees {seen[not of_bands]}", f"one of {seen[of_bands]}, as here")
    units = member.get_layer("logit").output.shape[-1]
    if (found := max(2, units)) != n_classes:
        raise _unfit(path, f"it tells {found} classes apart", f"{n_classes}, as in `classes`")
    return member


def _unfit(path: str, found: str, expected: Any) -> ValueError:
    return ValueError(
        f"{path}, named in `network.options.ensemble.members`, cannot be a member: {found}; "
        f"expected {expected}. Correct the path, or train it with the parameters of this run."
    )
