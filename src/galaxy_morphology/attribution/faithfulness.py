"""Whether the classifier really uses what an explanation points at: hide it, and ask again.

Petsiuk, Das & Saenko 2018 (RISE), https://arxiv.org/abs/1806.07421
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.attribution.agreement import cell_means
from galaxy_morphology.attribution.baselines import MEASURING, Baseline, baseline_images
from galaxy_morphology.attribution.hiding import logits_behind
from galaxy_morphology.attribution.logits import classes_to_explain, explained_logit
from galaxy_morphology.attribution.place import checked_maps
from galaxy_morphology.progress import progress_bar
from galaxy_morphology.typing import FloatArray, Images, IntArray, KerasModel

TIE_SEED = 0


class Faithfulness(NamedTuple):
    """Probability of the explained class while cells are hidden or shown in a map's order.

    Attributes:
        shares: Share of the cells hidden or shown, float64 [steps + 1], from 0 to 1.
        deletion: Probability with that share of the image hidden, float64 [N, steps + 1].
        insertion: Probability with only that share of the image shown, float64 [N, steps + 1].
        deletion_area: Area under each deletion curve, float64 [N]; small for a good map.
        insertion_area: Area under each insertion curve, float64 [N]; large for a good map.
    """

    shares: NDArray[np.float64]
    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]
    deletion_area: NDArray[np.float64]
    insertion_area: NDArray[np.float64]


def deletion_and_insertion(
    model: KerasModel,
    images: Images | FloatArray,
    maps: FloatArray,
    class_indices: IntArray | None = None,
    *,
    steps: int = 16,
    cells: int = 8,
    n_skies: int = 3,
    hide_with: Baseline = "noisy_sky",
    seed: int = 0,
    batch_size: int = 32,
) -> Faithfulness:
    """Hide an image, and show it again, cell by cell in the order of a map, highest first.

    A map that has found what the class hangs on makes the probability fall soon when that is
    hidden, and rise soon when it is shown. Single pixels of sky strewn over a galaxy are a
    pattern of their own, which a network may answer to; whole cells are less so. Both curves
    depend on what hidden cells show: compare maps only under the same options. Where the image
    without the galaxy is given the same class (``insertion`` begins high), the curves have nowhere
    to fall to and tell little.

    Args:
        model: A functional Keras classifier.
        images: [N, height, width, channels], in the units the model takes.
        maps: [N, height, width]. Cells are ordered by the signed mean of the map in them, those of
            equal value at random, in the same way for every galaxy and call.
        class_indices: The class that the maps explain for each image, int [N]; the predicted
            when None.
        steps: Into how many equal shares the cells are divided.
        cells: Side of the square cells in pixels; those at the right and bottom may be cut off.
        n_skies: Behind how many different skies each step is hidden; the curves are their mean.
        hide_with: What a hidden cell shows, see :func:`baseline_images`.
        seed: Seeds the skies, which are others than those that methods draw from the same seed.
        batch_size: Images at a time; more are no faster on a processor, whose cache they leave.

    Returns:
        Curves of the probability (after sigmoid or softmax), and the areas under them by the
        trapezoidal rule.

    Raises:
        ValueError: The maps do not fit the images or hold values that are not finite, there is
            no step or no sky, or the cells leave nothing to rank.
    """
    if steps < 1:
        raise ValueError(f"Found {steps} steps; expected 1 or more.")
    ranks = _ranks(cell_means(checked_maps(maps, images.shape[:3], "images"), cells))
    classes = classes_to_explain(model, images, class_indices)
    n_cells = ranks[0].size
    counts = np.rint(np.linspace(0, n_cells, steps + 1)).astype(int)
    deletion = np.empty((len(images), steps + 1))
    insertion = np.empty((len(images), steps + 1))
    for i in progress_bar(range(len(images)), desc="Deletion and insertion", unit="galaxy"):
        # Anew for every galaxy: its curves do not depend on the galaxies beside it.
        rng = np.random.default_rng([seed, MEASURING])
        skies = baseline_images(images[i], hide_with, n_skies, rng)
        shown = _enlarged(_shown(ranks[i], counts), cells, images.shape[1:3])
        which = np.repeat(np.arange(len(skies)), len(shown))
        logits = logits_behind(
            model, images[i], skies, np.tile(shown, (len(skies), 1, 1)), which, batch_size
        )
        by_sky = _probability(logits, classes[i]).reshape(len(skies), -1)
        probability = by_sky.mean(axis=0, dtype=np.float64)
        deletion[i] = probability[: steps + 1]
        insertion[i] = [deletion[i, -1], *probability[steps + 1 :], deletion[i, 0]]
    shares = counts / n_cells
    return Faithfulness(
        shares,
        deletion,
        insertion,
        deletion_area=np.trapezoid(deletion, shares, axis=1),
        insertion_area=np.trapezoid(insertion, shares, axis=1),
    )


def _ranks(values: NDArray[np.float64]) -> NDArray[np.int_]:
    """The place of each cell in the order of its map, from 0 for the highest value.

    Equal values come in random order: in the order of the cells, a flat map would sweep the
    image from the top, and count as one that knows where the galaxy begins.
    """
    flat = values.reshape(len(values), -1)
    at_random = np.random.default_rng(TIE_SEED).random(flat.shape[1])
    order = [np.lexsort((at_random, -of_one)) for of_one in flat]
    return np.argsort(order, axis=1).reshape(values.shape)


def _shown(ranks: NDArray[np.int_], counts: NDArray[np.int_]) -> NDArray[np.bool_]:
    """Which cells each image of a galaxy shows.

    Args:
        ranks: The place of each cell, [rows, columns].
        counts: How many cells are hidden or shown at each step, from none to all.

    Returns:
        bool [images, rows, columns]: those of the deletion, then those of the insertion but for
        its ends, which are the last and the first of the deletion.
    """
    is_hidden = ranks < counts[:, None, None]
    return np.concatenate([~is_hidden, is_hidden[1:-1]])


def _enlarged(shown: NDArray[np.bool_], cells: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Cells as pixels of an image of this height and width."""
    height, width = shape
    return shown.repeat(cells, axis=1).repeat(cells, axis=2)[:, :height, :width]


def _probability(logits: NDArray[np.float32], class_index: Any) -> NDArray[np.float32]:
    """Probability of a class, [n], from logits [n, 1] or [n, K]."""
    import tensorflow as tf

    classes = np.full(len(logits), class_index)
    if logits.shape[1] == 1:
        return np.asarray(tf.sigmoid(explained_logit(logits, classes)))
    return np.asarray(explained_logit(tf.nn.softmax(logits), classes))
