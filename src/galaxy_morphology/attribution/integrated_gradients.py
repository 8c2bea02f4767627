"""Integrated Gradients: what each pixel adds on the way from an empty sky to the galaxy.

Sundararajan, Taly & Yan 2017, https://arxiv.org/abs/1703.01365; from several skies instead of
one: the expected gradients of Erion et al. 2021, https://arxiv.org/abs/1906.10670.
"""

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from galaxy_morphology.attribution.baselines import ATTRIBUTING, Baseline, baseline_images
from galaxy_morphology.attribution.logits import (
    classes_to_explain,
    compiled_logits,
    explained_logit,
    logit_model,
)
from galaxy_morphology.compiled import once_per_network, pooling_first
from galaxy_morphology.progress import progress_bar
from galaxy_morphology.sky import are_bands, sky_colour, sky_noise
from galaxy_morphology.typing import Attribution, Count, FloatArray, Images, IntArray, KerasModel


def integrated_gradients(
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray | None = None,
    *,
    steps: Count = 10,
    tolerance: Annotated[float, Ge(0)] = 0.05,
    maximum_steps: Count = 160,
    baseline: Baseline = "noisy_sky",
    n_skies: Count = 5,
    seed: Annotated[int, Ge(0)] = 0,
    batch_size: Count = 50,
) -> Attribution:
    """Integrate the gradient of a class's logit along straight lines from several skies.

    Each integral is taken by the midpoint rule, that over bands in steps that grow along the way:
    a network that stretches them changes most where a galaxy is as faint as the noise. The
    attributions of a sky add up to the difference of the logit between image and sky, and so does
    their mean; where that misses it by too much, the galaxy is integrated again with twice the
    steps. By how much it misses it in the end is returned.

    Args:
        model: A functional or Sequential Keras classifier.
        images: [N, height, width, channels], in the units the model takes.
        class_indices: The class to explain for each image, int [N]; the predicted when None.
        steps: Points on each line, at first.
        tolerance: The largest ``completeness_residual`` that is not integrated again, in logits.
        maximum_steps: Points on each line never to exceed by doubling them.
        baseline: Where the lines start, see :func:`baseline_images`.
        n_skies: How many different skies.
        seed: Seeds the skies.
        batch_size: Points at a time. By default as many as five lines have in ten steps.

    Returns:
        Maps float32 [N, height, width, channels], signed, in units of the logit. Quality: the
        ``logit`` of the image and the ``baseline_logit``, the mean over the skies, both of the
        explained class; ``completeness_residual``, the distance of the sum of the map from their
        difference, in logits; the ``steps`` taken; and ``complete``, 1 where the residual is
        within the tolerance, else 0.

    Raises:
        ValueError: There is no step to take, or the model cannot be explained; or it does not
            take such images or know such a class.
    """
    if steps < 1:
        raise ValueError(f"Found {steps} steps; expected 1 or more.")
    classes = classes_to_explain(model, images, class_indices)
    sum_along, logits_of = _sum_along_lines(model), compiled_logits(model)

    def image_and_skies(i: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        image = np.asarray(images[i], np.float32)
        rng = np.random.default_rng([seed, ATTRIBUTING])
        return image, baseline_images(images[i], baseline, n_skies, rng)

    def logits_at_the_ends(i: int) -> tuple[float, float]:
        image, skies = image_and_skies(i)
        logits = logits_of(np.concatenate([image[None], skies]))
        found = np.asarray(explained_logit(logits, np.repeat(classes[i], len(skies) + 1)), float)
        return found[0], found[1:].mean()

    def mean_integral(i: int, n_steps: int) -> NDArray[np.float32]:
        image, skies = image_and_skies(i)
        shares, weights = np.tile(_points(images[i], n_steps), len(skies))
        sky_of = np.repeat(np.arange(len(skies), dtype=np.int32), n_steps)
        total = np.zeros(image.shape, np.float32)
        for first in range(0, len(shares), batch_size):
            some = slice(first, first + batch_size)
            total += sum_along(image, skies, sky_of[some], shares[some], weights[some], classes[i])
        return np.asarray(total / len(shares), np.float32)

    logit, baseline_logit = np.array([logits_at_the_ends(i) for i in range(len(images))]).T
    maps = np.empty(images.shape, np.float32)
    residual, taken = np.empty(len(images)), np.empty(len(images))
    missed, n_steps = list(range(len(images))), steps
    while missed and n_steps <= max(steps, maximum_steps):
        for i in progress_bar(missed, desc=f"Integrated Gradients, {n_steps} steps", unit="galaxy"):
            maps[i], taken[i] = mean_integral(i, n_steps), n_steps
        sums = maps.sum(axis=(1, 2, 3), dtype=np.float64)
        residual = np.abs(sums - (logit - baseline_logit))
        missed, n_steps = np.flatnonzero(residual > tolerance).tolist(), 2 * n_steps
    quality = {
        "logit": logit,
        "baseline_logit": baseline_logit,
        "completeness_residual": residual,
        "steps": taken,
        "complete": (residual <= tolerance).astype(np.float64),
    }
    notes = [f"adds up to within {missing:.2f} logits" for missing in residual]
    return Attribution(maps, quality, "Integrated Gradients", notes)


def _points(image: NDArray[np.uint8] | FloatArray, n_steps: int) -> NDArray[np.float32]:
    """Shares of the way at which gradients are taken, and their weights with a mean of 1.

    Of bands, steps are equal in the inverse hyperbolic sine of the signal to noise of the
    brightest pixel.
    """
    growth = 0.0
    if are_bands(image):
        sky, noise = sky_colour(image[None])[0], sky_noise(image[None])[0]
        signal = np.abs(np.asarray(image, np.float32) - sky) / np.where(noise > 0, noise, np.inf)
        growth = float(np.arcsinh(signal.max()))
    along = np.linspace(0, 1, 2 * n_steps + 1)
    if growth > 0:
        along = np.sinh(growth * along) / np.sinh(growth)
    return np.stack([along[1::2], n_steps * np.diff(along[::2])]).astype(np.float32)


@once_per_network
def _sum_along_lines(model: KerasModel) -> Any:
    """Compile the gradient of a class's logit times the way to go, summed over points on lines.

    Args:
        model: See :func:`integrated_gradients`.

    Returns:
        A function from the image, float32 [height, width, channels], the skies where the lines
        start, float32 [skies, height, width, channels], the sky of each point, int32 [points],
        the shares of the way at which the points lie, float32 [points], their weights, float32
        [points], and the class, int32 [], to the sum, float32 [height, width, channels].
    """
    import tensorflow as tf

    to_logits = pooling_first(logit_model(model))
    shape = model.inputs[0].shape[1:]

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec(shape, tf.float32),
            tf.TensorSpec((None, *shape), tf.float32),
            tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((None,), tf.float32),
            tf.TensorSpec((None,), tf.float32),
            tf.TensorSpec((), tf.int32),
        ],
    )
    def sum_along_lines(
        image: tf.Tensor, skies: tf.Tensor, sky_of: tf.Tensor, shares: tf.Tensor,
        weights: tf.Tensor, class_index: tf.Tensor,
    ) -> tf.Tensor:  # fmt: skip
        starts = tf.gather(skies, sky_of)
        points = starts + shares[:, None, None, None] * (image - starts)
        with tf.GradientTape() as tape:
            tape.watch(points)
            logits = to_logits(points, training=False)
            logit = explained_logit(logits, tf.fill(tf.shape(shares), class_index))
        gradient = weights[:, None, None, None] * tape.gradient(logit, points)
        return tf.reduce_sum(gradient * (image - starts), axis=0)

    return sum_along_lines
