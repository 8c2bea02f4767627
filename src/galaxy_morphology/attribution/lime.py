"""LIME: which patches of a cut-out the classification hangs on.

Ribeiro, Singh & Guestrin 2016, https://arxiv.org/abs/1602.04938. The weighted regression is the
lime package's own; the cut-outs with hidden patches are made and classified in batches here.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from galaxy_morphology.attribution.baselines import Baseline, baseline_images
from galaxy_morphology.attribution.logits import classes_to_explain, explained_logit, logit_model
from galaxy_morphology.compiled import once_per_network, pooling_first
from galaxy_morphology.typing import Attribution, FloatArray, Images, IntArray, KerasModel


def lime(
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray | None = None,
    *,
    n_samples: int = 1000,
    n_segments: int = 50,
    compactness: float = 10.0,
    hide_with: Baseline = "sky",
    kernel_width: float = 0.25,
    seed: int = 0,
    batch_size: int = 64,
) -> Attribution:
    """Fit a linear model to the logit of a class over random choices of hidden patches.

    The patches are superpixels (SLIC, Achanta et al. 2012). As in the lime package, a sample
    weighs less the more of the galaxy it hides, by an exponential kernel over cosine distance.

    Args:
        model: A functional or Sequential Keras classifier.
        images: [N, height, width, channels], in the units the model takes.
        class_indices: The class to explain for each image, int [N]; the predicted when None.
        n_samples: Cut-outs with hidden patches per image; the first hides nothing.
        n_segments: Superpixels wanted per image.
        compactness: Of SLIC: high values give squares, low ones follow brightness and colour.
        hide_with: What a hidden patch shows, see :func:`baseline_images`.
        kernel_width: Of the exponential kernel.
        seed: Seeds the choice of patches, anew for every image: a galaxy's map does not depend
            on the galaxies beside it.
        batch_size: Cut-outs at a time.

    Returns:
        Maps float32 [N, height, width], signed: what showing the patch around a pixel adds to
        the logit. Quality: ``r_squared`` of the weighted fit, and ``n_superpixels``.

    Raises:
        ValueError: The model cannot be explained; or it does not take such images or know such
            a class.
    """
    explanations = _explanations(
        model, images, class_indices, n_samples=n_samples, n_segments=n_segments,
        compactness=compactness, hide_with=hide_with, kernel_width=kernel_width, seeds=[seed],
        batch_size=batch_size, progress="LIME",
    )  # fmt: skip
    maps = np.empty(images.shape[:3], np.float32)
    fits = np.empty(len(images))
    counts = np.empty(len(images))
    for i, (segments, ((weights, r_squared),)) in enumerate(explanations):
        maps[i], fits[i], counts[i] = weights[segments], r_squared, len(weights)
    return Attribution(maps, {"r_squared": fits, "n_superpixels": counts})


def lime_stability(
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray | None = None,
    *,
    seeds: Sequence[int],
    n_top: int = 5,
    **options: Any,
) -> NDArray[np.float64]:
    """How far LIME names the same superpixels, whichever patches it happened to hide.

    The superpixels are those of the image, whatever the seed; their weights are not. What is
    compared is which of them weigh most, for or against the class: the overlap of two sets is
    the number of superpixels in both as a share of those in either (Jaccard 1912).

    Args:
        model: A functional or Sequential Keras classifier.
        images: [N, height, width, channels], in the units the model takes.
        class_indices: The class to explain for each image, int [N]; the predicted when None.
        seeds: Seeds of the choice of patches, two or more different ones.
        n_top: Superpixels with the largest absolute weights to compare.
        **options: All others of :func:`lime`, with the same defaults.

    Returns:
        float64 [N], the mean overlap over all pairs of seeds, 0 to 1. NaN where a galaxy has no
        more than ``n_top`` superpixels, so that there is nothing to choose.

    Raises:
        ValueError: There are not two seeds to compare, or no superpixels; and as :func:`lime`.
    """
    if len(set(seeds)) < max(2, len(seeds)):
        raise ValueError(f"Found seeds {list(seeds)}; expected two or more different ones.")
    if n_top < 1:
        raise ValueError(f"Found n_top {n_top}; expected 1 or more superpixels to compare.")
    defaults = dict(lime.__kwdefaults__ or {})
    del defaults["seed"]
    explanations = _explanations(
        model, images, class_indices, seeds=seeds, progress="LIME stability", **defaults | options
    )
    return np.array(
        [
            _mean_overlap([_largest(weights, n_top) for weights, _ in by_seed])
            if segments.max() >= n_top
            else np.nan
            for segments, by_seed in explanations
        ]
    )


def _explanations(
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray | None,
    *,
    n_samples: int,
    n_segments: int,
    compactness: float,
    hide_with: Baseline,
    kernel_width: float,
    seeds: Sequence[int],
    batch_size: int,
    progress: str,
) -> Iterator[tuple[NDArray[np.int_], list[tuple[NDArray[np.float64], float]]]]:
    """The superpixels of each image; and for each seed their weights, with R² of the fit."""
    classes = classes_to_explain(model, images, class_indices)
    hidden = baseline_images(images, hide_with)
    logits_of = _logits_of_samples(model)

    def fit(i: int, segments: NDArray[np.int_], seed: int) -> tuple[NDArray[np.float64], float]:
        image = np.asarray(images[i], np.float32)
        n_superpixels = int(segments.max()) + 1
        shown = np.random.default_rng(seed).integers(0, 2, (n_samples, n_superpixels))
        shown[0] = 1
        logits = np.concatenate(
            [
                logits_of(
                    image, hidden[i], segments, shown[first : first + batch_size].astype(bool),
                    classes[i],
                )
                for first in range(0, n_samples, batch_size)
            ]
        )  # fmt: skip
        return _weights(shown, logits, kernel_width, seed)

    for i in tqdm(range(len(images)), desc=progress, unit="galaxy"):
        segments = _superpixels(np.asarray(images[i], np.float32), n_segments, compactness)
        yield segments, [fit(i, segments, seed) for seed in seeds]


@once_per_network
def _logits_of_samples(model: KerasModel) -> Any:
    """Compile the logit of a class with some superpixels hidden.

    Args:
        model: See :func:`lime`.

    Returns:
        A function from the image and what hidden pixels show, both float32 [height, width,
        channels], the superpixels, int64 [height, width], which of them each sample shows, bool
        [samples, superpixels], and the class, int32 [], to logits [samples].
    """
    import tensorflow as tf

    to_logits = pooling_first(logit_model(model))
    shape = model.inputs[0].shape[1:]
    pixels, segments = tf.TensorSpec(shape, tf.float32), tf.TensorSpec(shape[:2], tf.int64)
    shown, class_index = tf.TensorSpec((None, None), tf.bool), tf.TensorSpec((), tf.int32)

    @tf.function(autograph=False, input_signature=[pixels, pixels, segments, shown, class_index])
    def logits_of_samples(
        image: tf.Tensor, without: tf.Tensor, segments: tf.Tensor, shown: tf.Tensor,
        class_index: tf.Tensor,
    ) -> tf.Tensor:  # fmt: skip
        is_shown = tf.gather(shown, segments, axis=1)[..., None]
        logits = to_logits(tf.where(is_shown, image, without), training=False)
        return explained_logit(logits, tf.fill(tf.shape(shown)[:1], class_index))

    return logits_of_samples


def _weights(
    shown: NDArray[np.int_], logits: NDArray[np.float32], kernel_width: float, seed: int
) -> tuple[NDArray[np.float64], float]:
    """What showing each superpixel adds to the logit, by the lime package; and R² of the fit."""
    from lime.lime_base import LimeBase
    from sklearn.metrics import pairwise_distances

    n_superpixels = shown.shape[1]
    distances = pairwise_distances(shown, shown[:1], metric="cosine").ravel()
    regression = LimeBase(partial(_kernel, width=kernel_width), random_state=seed)
    _, by_superpixel, r_squared, _ = regression.explain_instance_with_data(
        shown, logits[:, None], distances, label=0, num_features=n_superpixels,
        feature_selection="none",
    )  # fmt: skip
    weights = np.zeros(n_superpixels)
    for superpixel, weight in by_superpixel:
        weights[superpixel] = weight
    return weights, float(r_squared)


def _largest(weights: NDArray[np.float64], n_top: int) -> set[int]:
    """The superpixels with the largest absolute weights."""
    return {int(superpixel) for superpixel in np.argsort(-np.abs(weights), kind="stable")[:n_top]}


def _mean_overlap(sets: Sequence[set[int]]) -> float:
    """Mean share of the elements of two sets that are in both, over all pairs of sets."""
    return float(np.mean([len(a & b) / len(a | b) for a, b in combinations(sets, 2)]))


def _superpixels(
    image: NDArray[np.float32], n_segments: int, compactness: float
) -> NDArray[np.int_]:
    """SLIC superpixels of a cut-out, numbered from 0; the range of its values is all the same."""
    from skimage.segmentation import slic

    segments = slic(image / 255, n_segments=n_segments, compactness=compactness, start_label=0)
    return np.asarray(segments, np.int_)


def _kernel(distances: FloatArray, width: float) -> FloatArray:
    """Weight of a sample by its distance from the whole galaxy, as in the lime package."""
    return np.asarray(np.sqrt(np.exp(-(distances**2) / width**2)))
