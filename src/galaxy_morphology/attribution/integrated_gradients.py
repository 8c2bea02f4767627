"""Integrated Gradients: what each pixel adds on the way from an empty sky to the galaxy.

Sundararajan, Taly & Yan 2017, https://arxiv.org/abs/1703.01365
"""

import numpy as np
from tqdm import tqdm

from galaxy_morphology.attribution.baselines import Baseline, baseline_images
from galaxy_morphology.attribution.logits import classes_to_explain, explained_logit, logit_model
from galaxy_morphology.typing import Attribution, FloatArray, Images, IntArray, KerasModel


def integrated_gradients(
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray | None = None,
    *,
    steps: int = 50,
    baseline: Baseline = "sky",
    batch_size: int = 25,
) -> Attribution:
    """Integrate the gradient of a class's logit along the straight line from a baseline.

    The integral is taken by the midpoint rule. Its attributions add up to the difference of
    the logit between image and baseline; by how much they miss it is returned.

    Args:
        model: A functional Keras classifier.
        images: [N, height, width, channels], in the units the model takes.
        class_indices: The class to explain for each image, int [N]; the predicted when None.
        steps: Points on the line.
        baseline: Where the line starts, see :func:`baseline_images`.
        batch_size: Points at a time.

    Returns:
        Maps float32 [N, height, width, channels], signed, in units of the logit. Quality: the
        ``logit`` of the image and the ``baseline_logit``, both of the explained class, and
        ``completeness_residual``, the distance of the sum of the map from their difference as a
        share of it.
    """
    import tensorflow as tf

    to_logits = logit_model(model)
    classes = classes_to_explain(model, images, class_indices)
    starts = baseline_images(images, baseline)
    midpoints = ((np.arange(steps) + 0.5) / steps).astype(np.float32)

    @tf.function(reduce_retracing=True, autograph=False)
    def logit_of(some: tf.Tensor, some_classes: tf.Tensor) -> tf.Tensor:
        return explained_logit(to_logits(some, training=False), some_classes)

    @tf.function(reduce_retracing=True, autograph=False)
    def sum_of_gradients(
        start: tf.Tensor, difference: tf.Tensor, shares: tf.Tensor, class_index: tf.Tensor
    ) -> tf.Tensor:
        points = start + shares[:, None, None, None] * difference
        with tf.GradientTape() as tape:
            tape.watch(points)
            logit = logit_of(points, tf.fill(tf.shape(shares), class_index))
        return tf.reduce_sum(tape.gradient(logit, points), axis=0)

    maps = np.empty(images.shape, np.float32)
    ends = np.empty((len(images), 2))  # logit of the baseline, and of the image
    for i in tqdm(range(len(images)), desc="Integrated Gradients", unit="galaxy"):
        image, start = np.asarray(images[i], np.float32), starts[i]
        total = np.zeros(image.shape, np.float32)
        for first in range(0, steps, batch_size):
            shares = midpoints[first : first + batch_size]
            total += sum_of_gradients(start, image - start, shares, classes[i]).numpy()
        maps[i] = total / steps * (image - start)
        ends[i] = logit_of(np.stack([start, image]), np.repeat(classes[i], 2)).numpy()
    differences = ends[:, 1] - ends[:, 0]
    sums = maps.sum(axis=(1, 2, 3), dtype=np.float64)
    residual = np.abs(sums - differences) / np.maximum(np.abs(differences), np.finfo(float).tiny)
    quality = {"logit": ends[:, 1], "baseline_logit": ends[:, 0], "completeness_residual": residual}
    return Attribution(maps, quality)
