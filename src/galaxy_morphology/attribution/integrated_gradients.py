"""Integrated Gradients: what each pixel adds on the way from an empty sky to the galaxy.

Sundararajan, Taly & Yan 2017, https://arxiv.org/abs/1703.01365
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from galaxy_morphology.attribution.baselines import Baseline, baseline_images
from galaxy_morphology.attribution.logits import (
    classes_to_explain,
    compiled_logits,
    explained_logit,
    logit_model,
)
from galaxy_morphology.compiled import once_per_network, pooling_first
from galaxy_morphology.typing import Attribution, FloatArray, Images, IntArray, KerasModel


def integrated_gradients(
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray | None = None,
    *,
    steps: int = 50,
    tolerance: float = 0.02,
    maximum_steps: int = 400,
    baseline: Baseline = "sky",
    batch_size: int = 50,
) -> Attribution:
    """Integrate the gradient of a class's logit along the straight line from a baseline.

    The integral is taken by the midpoint rule. Its attributions add up to the difference of
    the logit between image and baseline; where they miss it by too much, the galaxy is
    integrated again with twice the steps. By how much they miss it in the end is returned.

    Args:
        model: A functional or Sequential Keras classifier.
        images: [N, height, width, channels], in the units the model takes.
        class_indices: The class to explain for each image, int [N]; the predicted when None.
        steps: Points on the line, at first.
        tolerance: The largest ``completeness_residual`` that is not integrated again.
        maximum_steps: Points on the line never to exceed by doubling them.
        baseline: Where the line starts, see :func:`baseline_images`.
        batch_size: Points at a time.

    Returns:
        Maps float32 [N, height, width, channels], signed, in units of the logit. Quality: the
        ``logit`` of the image and the ``baseline_logit``, both of the explained class;
        ``completeness_residual``, the distance of the sum of the map from their difference as a
        share of it; the ``steps`` taken; and ``complete``, 1 where the residual is within the
        tolerance, else 0.

    Raises:
        ValueError: There is no step to take, or the model cannot be explained; or it does not
            take such images or know such a class.
    """
    if steps < 1:
        raise ValueError(f"Found {steps} steps; expected 1 or more.")
    classes = classes_to_explain(model, images, class_indices)
    starts = baseline_images(images, baseline)
    sum_of_gradients, logits_of = _sum_of_gradients(model), compiled_logits(model)

    def integral(i: int, n_steps: int) -> NDArray[np.float32]:
        difference = np.asarray(images[i], np.float32) - starts[i]
        midpoints = ((np.arange(n_steps) + 0.5) / n_steps).astype(np.float32)
        total = np.zeros(difference.shape, np.float32)
        for first in range(0, n_steps, batch_size):
            shares = midpoints[first : first + batch_size]
            total += sum_of_gradients(starts[i], difference, shares, classes[i]).numpy()
        return np.asarray(total / n_steps * difference, np.float32)

    def logits_at_the_ends(i: int) -> NDArray[np.float64]:
        logits = logits_of(np.stack([starts[i], np.asarray(images[i], np.float32)]))
        return np.asarray(explained_logit(logits, np.repeat(classes[i], 2)), np.float64)

    ends = np.array([logits_at_the_ends(i) for i in range(len(images))])
    maps = np.empty(images.shape, np.float32)
    residual, taken = np.empty(len(images)), np.empty(len(images))
    missed, n_steps = list(range(len(images))), steps
    while missed and n_steps <= max(steps, maximum_steps):
        for i in tqdm(missed, desc=f"Integrated Gradients, {n_steps} steps", unit="galaxy"):
            maps[i], taken[i] = integral(i, n_steps), n_steps
        residual = _completeness_residual(maps, ends)
        missed, n_steps = np.flatnonzero(residual > tolerance).tolist(), 2 * n_steps
    quality = {
        "logit": ends[:, 1],
        "baseline_logit": ends[:, 0],
        "completeness_residual": residual,
        "steps": taken,
        "complete": (residual <= tolerance).astype(np.float64),
    }
    return Attribution(maps, quality)


@once_per_network
def _sum_of_gradients(model: KerasModel) -> Any:
    """Compile the gradient of a class's logit, summed over points on the line.

    Args:
        model: See :func:`integrated_gradients`.

    Returns:
        A function from the start of the line and the difference to its end, both float32
        [height, width, channels], the shares of the difference at which the points lie, float32
        [points], and the class, int32 [], to the sum, float32 [height, width, channels].
    """
    import tensorflow as tf

    to_logits = pooling_first(logit_model(model))
    pixels = tf.TensorSpec(model.inputs[0].shape[1:], tf.float32)
    shares, class_index = tf.TensorSpec((None,), tf.float32), tf.TensorSpec((), tf.int32)

    @tf.function(autograph=False, input_signature=[pixels, pixels, shares, class_index])
    def sum_of_gradients(
        start: tf.Tensor, difference: tf.Tensor, shares: tf.Tensor, class_index: tf.Tensor
    ) -> tf.Tensor:
        points = start + shares[:, None, None, None] * difference
        with tf.GradientTape() as tape:
            tape.watch(points)
            logits = to_logits(points, training=False)
            logit = explained_logit(logits, tf.fill(tf.shape(shares), class_index))
        return tf.reduce_sum(tape.gradient(logit, points), axis=0)

    return sum_of_gradients


def _completeness_residual(
    maps: NDArray[np.float32], ends: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far the sum of each map is from the rise of the logit, as a share of that rise."""
    differences = ends[:, 1] - ends[:, 0]
    sums = maps.sum(axis=(1, 2, 3), dtype=np.float64)
    tiny = np.finfo(float).tiny
    return np.asarray(np.abs(sums - differences) / np.maximum(np.abs(differences), tiny))
