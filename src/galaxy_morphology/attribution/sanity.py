"""Whether an explanation speaks of the network at all, or would say the same of any other.

The randomisation test of Adebayo et al. 2018, https://arxiv.org/abs/1810.03292: what a network
has learned is destroyed layer by layer, from the top down. An explanation that stays the same
explains the image, as an edge detector would, and not the classification.
"""

import random
from collections.abc import Iterator

import numpy as np
import pandas as pd

from galaxy_morphology.attribution.agreement import Explain, rank_correlation
from galaxy_morphology.compiled import calls_of
from galaxy_morphology.typing import FloatArray, Images, IntArray, KerasModel

MOST_ALIKE = 0.5
"""Mean rank correlation with maps of a network that knows nothing above which a method fails."""


def randomised_models(model: KerasModel, seed: int) -> Iterator[tuple[str, KerasModel]]:
    """A copy of a classifier that forgets ever more: cascading randomisation.

    Each step draws the weights of one more layer from the distribution of the layer's own
    initialisers. A BatchNormalization forgets with the layer before it, whose output its
    statistics describe; on its own it would only be set to constants. Frozen layers forget too.
    A model inside the model counts as one layer.

    Keras seeds its initialisers from the generator of Python's ``random``; the state of that
    generator is put back, and no other is touched. An initialiser with a seed of its own would
    draw once more what training started from: give it none.

    Args:
        model: A built functional or sequential Keras model; it is not changed.
        seed: Seeds the weights; a layer gets the same at every depth. They differ from those that
            a training seeded with the same number starts from: what it learned still resembles
            its start, and such a network would not have forgotten.

    Yields:
        The name of the layer last randomised, and a copy in which this layer and all above it are
        random and all below as in ``model``. It is the same model each time, having forgotten
        more, so that what is compiled for it serves all depths: use it before asking for the next.

    Raises:
        ValueError: The model has no weights that could be learned.
    """
    randomised = _with_fresh_weights(model, seed)
    steps = _layers_from_the_top(randomised)
    if not steps:
        raise ValueError(
            f"Model {model.name!r} has no layer with trainable weights: there is nothing to "
            "randomise. Give a classifier that was built."
        )
    fresh = {layer.name: layer.get_weights() for layer in randomised.layers}
    for layer in model.layers:
        if layer.weights:  # a copied input has another name
            randomised.get_layer(layer.name).set_weights(layer.get_weights())
    for names in steps:
        for name in names:
            randomised.get_layer(name).set_weights(fresh[name])
        yield names[0], randomised


def agreement_after_randomising(
    explain: Explain,
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray,
    maps: FloatArray,
    *,
    seed: int,
    cells: int | None = None,
) -> pd.DataFrame:
    """Compare explanations of a network with those of a copy that forgets ever more.

    A method passes if the correlations fall towards 0, see :func:`passes`. One random layer at the
    top can turn the sign of the logit, and with it every sign in a map that still marks the same
    pixels: such a map has not changed much, yet its correlation is -1. Therefore the absolute
    values are compared as well. They have a floor of their own: methods that multiply by the
    image, such as Integrated Gradients, are strong where the galaxy is bright, whatever the
    network.

    Args:
        explain: The method that made ``maps``, with its options.
        model: A Keras classifier, see :func:`randomised_models`.
        images: Cut-outs [N, height, width, channels], in the units the model takes.
        class_indices: The explained class of each image, int [N]; the same at every depth.
        maps: What ``explain`` says of the images and ``model``, [N, height, width].
        seed: Seeds the random weights.
        cells: See :func:`rank_correlation`; absolute values are taken before averaging.

    Returns:
        A row per depth and galaxy: ``depth``, the number of random layers, 1 being the top one
        alone; ``layer``, the lowest of them; ``index``, the row in ``images``;
        ``rank_correlation`` with the original map, and ``rank_correlation_absolute``, that of
        the absolute values. NaN where a map is the same everywhere, as that of Grad-CAM is when
        nothing speaks for the class.

    Raises:
        ValueError: The model has no weights that could be learned, or the maps have another
            shape than those that ``explain`` gives.
    """
    tables = []
    for depth, (layer, randomised) in enumerate(randomised_models(model, seed), start=1):
        others = explain(randomised, images, class_indices)
        table = {
            "depth": depth,
            "layer": layer,
            "index": np.arange(len(images)),
            "rank_correlation": rank_correlation(maps, others, cells=cells),
            "rank_correlation_absolute": rank_correlation(
                np.abs(maps), np.abs(others), cells=cells
            ),
        }
        tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


def _with_fresh_weights(model: KerasModel, seed: int) -> KerasModel:
    """The same network as its initialisers would start it, always the same for a seed."""
    import keras

    state = random.getstate()
    try:
        random.seed(f"randomised {seed}")  # a text, as no seed of a training is
        fresh = keras.models.clone_model(model)
    finally:
        random.setstate(state)
    for layer in fresh.layers:
        layer.trainable = True  # else a frozen one would count as having nothing to forget
    return fresh


def _layers_from_the_top(model: KerasModel) -> list[list[str]]:
    """Names of the layers with trainable weights, each with the normalisations after it."""
    import keras

    groups: dict[str, list[str]] = {}
    learned_before: dict[int, str] = {}  # by the id of a tensor
    for call in calls_of(model):
        layer = call.operation
        known = [learned_before[id(x)] for x in call.input_tensors if id(x) in learned_before]
        leader = known[0] if known else None
        is_norm = isinstance(layer, keras.layers.BatchNormalization)
        if getattr(layer, "trainable_weights", []) and not (is_norm and leader):
            leader = layer.name
        if leader is not None and (is_norm or leader == layer.name):
            names = groups.setdefault(leader, [])
            names += [layer.name] if layer.name not in names else []
        if leader is not None:
            learned_before |= {id(output): leader for output in call.outputs}
    return list(groups.values())[::-1]


def passes(table: pd.DataFrame) -> bool | None:
    """Whether a method's maps of a network that forgot all are others than before.

    They may neither point for and against the class at the same places, nor mark the same places
    with whatever sign.

    Args:
        table: Of one method, as :func:`agreement_after_randomising` gives it.

    Returns:
        Whether, with all layers random, the means over galaxies of the signed and of the absolute
        rank correlation are both at most ``MOST_ALIKE``; None where either could not be taken of
        any galaxy.
    """
    at_the_end = table[table["depth"] == table["depth"].max()]
    means = at_the_end[["rank_correlation", "rank_correlation_absolute"]].mean()
    return None if means.isna().any() else bool((means <= MOST_ALIKE).all())
