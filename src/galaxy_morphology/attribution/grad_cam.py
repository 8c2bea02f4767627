"""Grad-CAM: what the cells of the last feature maps add to the logit of a class.

Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391, average the gradient over each map. Where
it is not the same in all cells, that credits cells with what others do; here it is left as it is,
which is HiResCAM: Draelos & Carin 2020, https://arxiv.org/abs/2011.08891. For a network that
averages its last maps, both are the class activation map of Zhou et al. 2016,
https://arxiv.org/abs/1512.04150.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from galaxy_morphology.attribution.baselines import ATTRIBUTING, Baseline, baseline_images
from galaxy_morphology.attribution.layers import Cells, cells_of, feature_maps, parts_of
from galaxy_morphology.attribution.logits import classes_to_explain, explained_logit, logit_model
from galaxy_morphology.compiled import once_per_network, pooling_first
from galaxy_morphology.progress import progress_bar
from galaxy_morphology.typing import Attribution, Count, FloatArray, Images, IntArray, KerasModel
from galaxy_morphology.views import VIEWS

SAME = 1e-4
"""Largest deviation of a gradient that is the same in all cells, as a share of the largest."""


def grad_cam(
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray | None = None,
    *,
    layer_name: str | None = None,
    baseline: Baseline = "noisy_sky",
    n_skies: Count = 8,
    seed: Annotated[int, Ge(0)] = 0,
    batch_size: Count = 32,
) -> Attribution:
    """Multiply feature maps by the gradient of a class's logit, and add them up.

    From each cell, what the cell says of empty skies is taken away. Where all behind the maps is
    linear, the cells then add up to the difference of the logit between image and sky.

    Args:
        model: A functional or Sequential Keras classifier.
        images: [N, height, width, channels], in the units the model takes.
        class_indices: The class to explain for each image, int [N]; the predicted when None.
        layer_name: The convolution to look at, or the activation after it; when None, the one
            that :func:`last_feature_maps` finds.
        baseline: What an empty sky looks like, see :func:`baseline_images`.
        n_skies: How many different skies are averaged.
        seed: Seeds the skies.
        batch_size: Images at a time.

    Returns:
        Maps float32 [N, height, width], signed, in units of the logit. What a cell adds is laid
        around the middle of what it sees, see :func:`cells_of`, fading to nothing where the next
        cells have theirs; the sum stays the same. Titled "Grad-CAM" where the gradient is the
        same in all cells, else "HiResCAM". Quality: the ``logit`` of the image and the
        ``baseline_logit``, the mean over the skies, both of the explained class;
        ``completeness_residual``, the distance of the sum of the map from their difference, in
        logits; and ``positive_share``, the sum of the cells above zero as a share of their
        absolute sum.

    Raises:
        ValueError: The model cannot be explained, has no such layer, or one whose output is no
            set of feature maps; or it does not take such images or know such a class.
    """
    classes = classes_to_explain(model, images, class_indices)
    contributions, parts = _contributions(model, layer_name), parts_of(model, layer_name)
    maps = np.empty(images.shape[:3], np.float32)
    names = ("logit", "baseline_logit", "completeness_residual", "positive_share")
    quality = {name: np.empty(len(images)) for name in names}
    varies = np.empty(len(images))
    for i in progress_bar(range(len(images)), desc="Grad-CAM", unit="galaxy"):
        image = np.asarray(images[i], np.float32)
        rng = np.random.default_rng([seed, ATTRIBUTING])
        inputs = np.concatenate([image[None], baseline_images(images[i], baseline, n_skies, rng)])
        batches = [
            contributions(inputs[start : start + batch_size], classes[i])
            for start in range(0, len(inputs), batch_size)
        ]
        by_cell, logits, variations = zip(*batches, strict=True)
        evidence = [_beyond_the_skies(some) for some in zip(*by_cell, strict=True)]
        grids = [
            cells_of(part, layer_name, image.shape[:2], some.shape[1:])
            for part, some in zip(parts, evidence, strict=True)
        ]
        maps[i] = sum(map(_laid_out, evidence, grids, [image.shape[:2]] * len(grids)))
        varies[i] = variations[0][0]
        logit, *of_skies = np.concatenate(logits).astype(np.float64)
        of_cells, baseline_logit = np.concatenate(evidence, axis=None), np.mean(of_skies)
        found = (
            logit, baseline_logit, np.abs(of_cells.sum() - (logit - baseline_logit)),
            of_cells.clip(min=0).sum() / max(np.abs(of_cells).sum(), np.finfo(float).tiny),
        )  # fmt: skip
        for name, value in zip(names, found, strict=True):
            quality[name][i] = value
    title = "Grad-CAM" if (varies <= SAME).all() else "HiResCAM"
    notes = [f"adds up to within {off:.2f} logits" for off in quality["completeness_residual"]]
    return Attribution(maps, quality, title, notes)


@once_per_network
def _contributions(model: KerasModel, layer_name: str | None) -> Any:
    """Compile gradient times activation of a batch.

    Args:
        model: See :func:`grad_cam`.
        layer_name: See :func:`grad_cam`.

    Returns:
        A function from images float32 [n, height, width, channels] and the class, int32 [], to
        what each cell of each part adds, float32 [views, n, rows, columns] for every part; the
        logits [n]; and how far the gradient of each varies from cell to cell, as a share of its
        largest value, [n]. There are several parts in an ensemble, see :func:`parts_of`, and
        several views in what :func:`mean_over_views` makes.
    """
    import keras
    import tensorflow as tf

    features = [feature_maps(part, layer_name) for part in parts_of(model, layer_name)]
    to_features_and_logits = pooling_first(
        keras.Model(model.inputs[0], [features, logit_model(model).outputs[0]])
    )
    images = tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32)

    @tf.function(autograph=False, input_signature=[images, tf.TensorSpec((), tf.int32)])
    def contributions(
        some: tf.Tensor, class_index: tf.Tensor
    ) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        n = tf.shape(some)[0]
        with tf.GradientTape() as tape:
            tape.watch(some)
            features, logits = to_features_and_logits(some, training=False)
            logit = explained_logit(logits, tf.fill([n], class_index))
        by_cell, variations = [], []
        for maps, slopes in zip(features, tape.gradient(logit, features), strict=True):
            gradient = tf.cast(slopes, tf.float32)
            cells = tf.reduce_sum(gradient * tf.cast(maps, tf.float32), axis=-1)
            by_cell.append(tf.reshape(cells, tf.concat([[-1, n], tf.shape(cells)[1:]], axis=0)))
            mean = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
            deviation, largest = (
                tf.reduce_max(tf.abs(values), axis=(1, 2, 3))
                for values in (gradient - mean, gradient)
            )
            variations.append(tf.reshape(tf.math.divide_no_nan(deviation, largest), [-1, n]))
        varies = tf.reduce_max(tf.concat(variations, axis=0), axis=0)
        return by_cell, tf.cast(logit, tf.float32), varies

    return contributions


def _beyond_the_skies(batches: Sequence[Any]) -> NDArray[np.float64]:
    """What cells add to the image, first of all, and not to the mean sky, [views, rows, columns].

    Args:
        batches: Of the image and the skies after it, [views, n, rows, columns] each.
    """
    by_cell = np.concatenate(batches, axis=1).astype(np.float64)
    return np.asarray(by_cell[:, 0] - by_cell[:, 1:].mean(axis=1))


def _laid_out(
    evidence: NDArray[np.float64], grid: tuple[Cells, Cells], sides: tuple[int, int]
) -> NDArray[np.float64]:
    """The cells of all views spread over the pixels and turned back, added up, [height, width]."""
    down, across = (_weights(cells, side) for cells, side in zip(grid, sides, strict=True))
    spread = down.T @ evidence @ across
    turned_back = [view.turn_back(some[None])[0] for view, some in zip(VIEWS, spread, strict=False)]
    return np.asarray(np.sum(turned_back, axis=0))


def _weights(cells: Cells, side: int) -> NDArray[np.float64]:
    """How each cell is spread over the pixels along a side, [cells, side]; rows add up to 1."""
    middles = (cells.first + cells.spacing * np.arange(cells.number)).clip(0, side - 1)
    distances = np.abs(np.arange(side) - middles[:, None]) / max(cells.spacing, 1)
    weights = np.maximum(0, 1 - distances)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
