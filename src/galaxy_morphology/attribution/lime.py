"""LIME: which patches of a cut-out the classification hangs on.

Ribeiro, Singh & Guestrin 2016, https://arxiv.org/abs/1602.04938. The weighted regression is the
lime package's own; the cut-outs with hidden patches are made and classified in batches here.
"""

from functools import partial
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray

from galaxy_morphology.attribution.baselines import Baseline
from galaxy_morphology.attribution.hiding import hideable_galaxies
from galaxy_morphology.attribution.logits import classes_to_explain
from galaxy_morphology.attribution.superpixels import superpixels
from galaxy_morphology.typing import Attribution, Count, FloatArray, Images, IntArray, KerasModel


def lime(
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray | None = None,
    *,
    n_samples: Count = 500,
    n_segments: Count = 50,
    compactness: Annotated[float, Gt(0)] = 10.0,
    kernel_width: Annotated[float, Gt(0)] = 0.25,
    hide_with: Baseline = "noisy_sky",
    n_skies: Count = 8,
    seed: Annotated[int, Ge(0)] = 0,
    batch_size: Count = 64,
) -> Attribution:
    """Fit a linear model to the logit of a class over random choices of hidden patches.

    The patches are superpixels. As in the lime package, a sample weighs less the more of the
    galaxy it hides, by an exponential kernel over cosine distance. The skies that hidden patches
    show take turns between the samples.

    Args:
        model: A functional or Sequential Keras classifier.
        images: [N, height, width, channels], in the units the model takes.
        class_indices: The class to explain for each image, int [N]; the predicted when None.
        n_samples: Cut-outs with hidden patches per image; the first hides nothing.
        n_segments: Superpixels wanted per image, see :func:`superpixels`.
        compactness: See :func:`superpixels`.
        kernel_width: Of the exponential kernel.
        hide_with: What a hidden patch shows, see :func:`baseline_images`.
        n_skies: How many different skies.
        seed: Seeds skies and the choice of patches.
        batch_size: Cut-outs at a time.

    Returns:
        Maps float32 [N, height, width], signed: what showing the patch around a pixel adds to
        the logit. Quality: ``r_squared`` of the weighted fit, and ``n_superpixels``.

    Raises:
        ValueError: The model cannot be explained; or it does not take such images or know such
            a class.
    """
    classes = classes_to_explain(model, images, class_indices)
    maps = np.empty(images.shape[:3], np.float32)
    r_squared, n_superpixels = np.empty(len(images)), np.empty(len(images))
    galaxies = hideable_galaxies(
        model, images, classes, hide_with=hide_with, n_skies=n_skies, seed=seed,
        batch_size=batch_size, progress="LIME",
    )  # fmt: skip
    for i, galaxy in enumerate(galaxies):
        segments = superpixels(galaxy.image, n_segments, compactness)
        samples = galaxy.rng.integers(0, 2, (n_samples, int(segments.max()) + 1))
        samples[0] = 1
        logits = galaxy.logits(samples.astype(bool)[:, segments])
        weights, r_squared[i] = _weights(samples, logits, kernel_width, seed)
        maps[i], n_superpixels[i] = weights[segments], len(weights)
    quality = {"r_squared": r_squared, "n_superpixels": n_superpixels}
    notes = [f"linear fit with R² = {found:.2f}" for found in r_squared]
    return Attribution(maps, quality, "LIME", notes)


def _weights(
    samples: NDArray[np.int_], logits: NDArray[np.float64], kernel_width: float, seed: int
) -> tuple[NDArray[np.float64], float]:
    """What showing each superpixel adds to the logit, by the lime package; and R² of the fit."""
    from lime.lime_base import LimeBase
    from sklearn.metrics import pairwise_distances

    n_superpixels = samples.shape[1]
    distances = pairwise_distances(samples, samples[:1], metric="cosine").ravel()
    regression = LimeBase(partial(_kernel, width=kernel_width), random_state=seed)
    _, by_superpixel, r_squared, _ = regression.explain_instance_with_data(
        samples, logits[:, None], distances, label=0, num_features=n_superpixels,
        feature_selection="none",
    )  # fmt: skip
    weights = np.zeros(n_superpixels)
    for superpixel, weight in by_superpixel:
        weights[superpixel] = weight
    return weights, float(r_squared)


def _kernel(distances: FloatArray, width: float) -> FloatArray:
    """Weight of a sample by its distance from the whole galaxy, as in the lime package."""
    return np.asarray(np.sqrt(np.exp(-(distances**2) / width**2)))
