"""Kernel SHAP: how the patches of a cut-out share the logit between them, as players a gain.

The Shapley value of a patch (Shapley 1953) is what showing it adds, averaged over all orders in
which the patches may be shown. It is the only division that gives nothing to a patch that never
matters, treats alike those that always do alike, and adds up. Lundberg & Lee 2017,
https://arxiv.org/abs/1705.07874, estimate it by regression; pairs of samples, each hiding what
the other shows, make that steadier: Covert & Lee 2021, https://arxiv.org/abs/2012.01536.
"""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray

from galaxy_morphology.attribution.baselines import Baseline
from galaxy_morphology.attribution.hiding import hideable_galaxies
from galaxy_morphology.attribution.logits import classes_to_explain
from galaxy_morphology.attribution.superpixels import superpixels
from galaxy_morphology.typing import Attribution, Count, FloatArray, Images, IntArray, KerasModel


def kernel_shap(
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray | None = None,
    *,
    n_samples: Annotated[int, Ge(2)] = 500,
    n_segments: Count = 50,
    compactness: Annotated[float, Gt(0)] = 10.0,
    hide_with: Baseline = "noisy_sky",
    n_skies: Count = 8,
    seed: Annotated[int, Ge(0)] = 0,
    batch_size: Count = 64,
) -> Attribution:
    """Divide the logit of a class between superpixels, by their Shapley values.

    The two samples of a pair are seen behind the same sky, and what that sky alone says is taken
    off both; the skies take turns between the pairs.

    Args:
        model: A functional or Sequential Keras classifier.
        images: [N, height, width, channels], in the units the model takes.
        class_indices: The class to explain for each image, int [N]; the predicted when None.
        n_samples: Cut-outs with hidden patches per image, in pairs; of an odd number, one less.
        n_segments: Superpixels wanted per image, see :func:`superpixels`.
        compactness: See :func:`superpixels`.
        hide_with: What a hidden patch shows, see :func:`baseline_images`.
        n_skies: How many different skies.
        seed: Seeds skies and the choice of patches.
        batch_size: Cut-outs at a time.

    Returns:
        Maps float32 [N, height, width], signed: the Shapley value of the patch around a pixel.
        The values of all patches add up to ``logit - baseline_logit``. Quality: these two, the
        second being the mean over the skies; ``r_squared``, by how much of what the logit varies
        over the samples the patches, each for itself, account; and ``n_superpixels``.

    Raises:
        ValueError: There is no pair of samples; or the model cannot be explained, does not take
            such images or does not know such a class.
    """
    if n_samples < 2:
        raise ValueError(f"Found {n_samples} samples; expected 2 or more, as they come in pairs.")
    classes = classes_to_explain(model, images, class_indices)
    maps = np.empty(images.shape[:3], np.float32)
    names = ("logit", "baseline_logit", "r_squared", "n_superpixels")
    quality = {name: np.empty(len(images)) for name in names}
    galaxies = hideable_galaxies(
        model, images, classes, hide_with=hide_with, n_skies=n_skies, seed=seed,
        batch_size=batch_size, progress="Kernel SHAP",
    )  # fmt: skip
    for i, galaxy in enumerate(galaxies):
        segments = superpixels(galaxy.image, n_segments, compactness)
        samples = _pairs(n_samples // 2, int(segments.max()) + 1, galaxy.rng)
        sky_of = np.repeat(np.arange(len(samples) // 2), 2) % len(galaxy.skies)
        (logit,) = galaxy.logits(np.ones((1, *segments.shape)))
        of_skies = galaxy.logits(np.zeros((len(galaxy.skies), *segments.shape)))
        gains = galaxy.logits(samples[:, segments], sky_of) - of_skies[sky_of]
        values, r_squared = _shapley_values(samples, gains, logit - of_skies.mean())
        maps[i] = values[segments]
        found = (logit, of_skies.mean(), r_squared, len(values))
        for name, value in zip(names, found, strict=True):
            quality[name][i] = value
    notes = [f"additive fit with R² = {found:.2f}" for found in quality["r_squared"]]
    return Attribution(maps, quality, "Kernel SHAP", notes)


def _pairs(n_pairs: int, n_players: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Coalitions drawn as the Shapley kernel weighs them, each followed by its complement.

    A coalition of ``k`` of ``n`` players has the weight ``(n - 1) / (C(n, k) k (n - k))``: its
    size is drawn with a probability proportional to ``1 / (k (n - k))``, then its members.

    Args:
        n_pairs: How many coalitions to draw.
        n_players: Where there is but one, it takes part in all of them.
        rng: Draws them.

    Returns:
        bool [2 * n_pairs, n_players].
    """
    sizes = np.arange(1, n_players)
    odds = 1 / (sizes * (n_players - sizes))
    size = rng.choice(sizes, n_pairs, p=odds / odds.sum()) if n_players > 1 else np.ones(n_pairs)
    ranks = rng.random((n_pairs, n_players)).argsort(axis=1).argsort(axis=1)
    members = ranks < size[:, None]
    return np.stack([members, ~members], axis=1).reshape(-1, n_players)


def _shapley_values(
    samples: NDArray[np.bool_], gains: NDArray[np.float64], total: float
) -> tuple[NDArray[np.float64], float]:
    """The values that add up to the total and fit the gains best; and R² of that fit.

    Of what each value deviates from an equal share of the total, the sum must be 0. Samples less
    their mean over the players are orthogonal to what has another sum, so that the shortest
    solution of least squares keeps to this by itself.

    Args:
        samples: Which players take part, bool [n, players].
        gains: What they gain together, [n].
        total: What all of them gain.

    Returns:
        float64 [players]; and a number of at most 1.
    """
    n_players = samples.shape[1]
    taking_part = samples.astype(np.float64)
    shares = taking_part.mean(axis=1)
    deviations, *_ = np.linalg.lstsq(taking_part - shares[:, None], gains - total * shares)
    values = total / n_players + deviations
    left_over = np.sum((gains - taking_part @ values) ** 2)
    varies = np.sum((gains - gains.mean()) ** 2)
    return values, float(1 - left_over / varies) if varies > 0 else 1.0
