"""LIME: which patches of a cut-out the classification hangs on.

Ribeiro, Singh & Guestrin 2016, https://arxiv.org/abs/1602.04938. The weighted regression is the
lime package's own; the cut-outs with hidden patches are made and classified in batches here.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from galaxy_morphology.attribution.baselines import Baseline, baseline_images
from galaxy_morphology.attribution.logits import classes_to_explain, explained_logit, logit_model
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
        model: A functional Keras classifier.
        images: [N, height, width, channels], in the units of 0 to 255 that the model takes.
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
    """
    import tensorflow as tf
    from lime.lime_base import LimeBase
    from sklearn.metrics import pairwise_distances

    to_logits = logit_model(model)
    classes = classes_to_explain(model, images, class_indices)
    hidden = baseline_images(images, hide_with)

    @tf.function(reduce_retracing=True, autograph=False)
    def logits_of(
        image: tf.Tensor, without: tf.Tensor, segments: tf.Tensor, shown: tf.Tensor,
        class_index: tf.Tensor,
    ) -> tf.Tensor:  # fmt: skip
        mask = tf.gather(shown, segments, axis=1)[..., None]
        some = mask * image + (1 - mask) * without
        logits = to_logits(some, training=False)
        return explained_logit(logits, tf.fill(tf.shape(shown)[:1], class_index))

    maps = np.empty(images.shape[:3], np.float32)
    fits = np.empty(len(images))
    counts = np.empty(len(images))
    for i in tqdm(range(len(images)), desc="LIME", unit="galaxy"):
        image = np.asarray(images[i], np.float32)
        segments = _superpixels(image, n_segments, compactness)
        n_superpixels = int(segments.max()) + 1
        shown = np.random.default_rng(seed).integers(0, 2, (n_samples, n_superpixels))
        shown[0] = 1
        logits = np.concatenate(
            [
                logits_of(
                    image, hidden[i], segments, shown[first : first + batch_size].astype("float32"),
                    classes[i],
                )
                for first in range(0, n_samples, batch_size)
            ]
        )  # fmt: skip
        distances = pairwise_distances(shown, shown[:1], metric="cosine").ravel()
        regression = LimeBase(partial(_kernel, width=kernel_width), random_state=seed)
        _, weights, fits[i], _ = regression.explain_instance_with_data(
            shown, logits[:, None], distances, label=0, num_features=n_superpixels,
            feature_selection="none",
        )  # fmt: skip
        by_segment = np.zeros(n_superpixels)
        for segment, weight in weights:
            by_segment[segment] = weight
        maps[i], counts[i] = by_segment[segments], n_superpixels
    return Attribution(maps, {"r_squared": fits, "n_superpixels": counts})


def _superpixels(
    image: NDArray[np.float32], n_segments: int, compactness: float
) -> NDArray[np.int_]:
    """SLIC superpixels of a cut-out in 0 to 255, numbered from 0."""
    from skimage.segmentation import slic

    segments = slic(image / 255, n_segments=n_segments, compactness=compactness, start_label=0)
    return np.asarray(segments, np.int_)


def _kernel(distances: FloatArray, width: float) -> FloatArray:
    """Weight of a sample by its distance from the whole galaxy, as in the lime package."""
    return np.asarray(np.sqrt(np.exp(-(distances**2) / width**2)))
