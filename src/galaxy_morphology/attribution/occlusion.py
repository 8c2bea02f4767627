"""Occlusion sensitivity: what the logit loses when a patch of the cut-out is hidden.

Zeiler & Fergus 2014, https://arxiv.org/abs/1311.2901
"""

from typing import Annotated

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from galaxy_morphology.attribution.baselines import Baseline
from galaxy_morphology.attribution.hiding import hideable_galaxies
from galaxy_morphology.attribution.logits import classes_to_explain
from galaxy_morphology.typing import Attribution, Count, FloatArray, Images, IntArray, KerasModel


def occlusion(
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray | None = None,
    *,
    patch: Count = 16,
    stride: Count = 8,
    hide_with: Baseline = "noisy_sky",
    n_skies: Count = 4,
    seed: Annotated[int, Ge(0)] = 0,
    batch_size: Count = 64,
) -> Attribution:
    """Hide one square patch after the other, and see how far the logit of a class drops.

    The patches lie on a grid. Its last row and column end at the edge of the frame, closer to
    those before where the stride does not fit: every patch is whole and every pixel covered.
    Patches that overlap show different skies, so that what one sky happens to say averages out.

    Args:
        model: A functional or Sequential Keras classifier.
        images: [N, height, width, channels], in the units the model takes.
        class_indices: The class to explain for each image, int [N]; the predicted when None.
        patch: Side of a patch in pixels.
        stride: Pixels from one patch to the next.
        hide_with: What a hidden patch shows, see :func:`baseline_images`.
        n_skies: How many different skies; as many as patches cover a pixel are enough.
        seed: Seeds the skies.
        batch_size: Cut-outs at a time.

    Returns:
        Maps float32 [N, height, width], signed: the mean drop of the logit over the patches that
        cover a pixel, positive where hiding it speaks against the class. Quality:
        ``n_patches``, how many were hidden in turn, and ``largest_drop`` of the logit among them:
        where it is small, no single patch decides.

    Raises:
        ValueError: A patch is larger than the image or smaller than the stride, or the model
            cannot be explained; or it does not take such images or know such a class.
    """
    classes = classes_to_explain(model, images, class_indices)
    rows, columns = (_patches_along(side, patch, stride) for side in images.shape[1:3])
    n_covering = np.outer(rows.sum(axis=0), columns.sum(axis=0))
    hidden = (rows[:, None, :, None] & columns[None, :, None, :]).reshape(-1, *n_covering.shape)
    # One cut-out per patch; before them one in which nothing is hidden.
    shown = np.concatenate([np.ones_like(hidden[:1]), ~hidden])
    which = np.append(0, _skies_in_turn(len(rows), len(columns), patch, stride))
    maps = np.empty(images.shape[:3], np.float32)
    largest = np.empty(len(images))
    galaxies = hideable_galaxies(
        model, images, classes, hide_with=hide_with, n_skies=n_skies, seed=seed,
        batch_size=batch_size, progress="Occlusion",
    )  # fmt: skip
    for i, galaxy in enumerate(galaxies):
        logits = galaxy.logits(shown, which)
        drops = logits[0] - logits[1:]
        maps[i] = rows.T @ drops.reshape(len(rows), len(columns)) @ columns / n_covering
        largest[i] = drops.max()
    quality = {"n_patches": np.full(len(images), len(hidden), np.float64), "largest_drop": largest}
    notes = [f"a patch counts up to {drop:.2f} logits" for drop in largest]
    return Attribution(maps, quality, "Occlusion", notes)


def _patches_along(side: int, patch: int, stride: int) -> NDArray[np.bool_]:
    """Which pixels along a side of the image each patch covers, bool [patches, side]."""
    if not 1 <= patch <= side:
        raise ValueError(
            f"Found patches of {patch} px for images with a side of {side} px; expected 1 px to "
            "the side of the image."
        )
    if not 1 <= stride <= patch:
        raise ValueError(
            f"Found a stride of {stride} px for patches of {patch} px; expected 1 px to the side "
            "of a patch, or pixels would be left out."
        )
    first = np.append(np.arange(0, side - patch, stride), side - patch)[:, None]
    pixels = np.arange(side)
    return np.asarray((first <= pixels) & (pixels < first + patch))


def _skies_in_turn(n_rows: int, n_columns: int, patch: int, stride: int) -> NDArray[np.int_]:
    """The sky of each patch, int [patches]: another for each of those that cover a pixel."""
    n_overlapping = -(-patch // stride)
    row, column = np.indices((n_rows, n_columns))
    return np.asarray(row + n_overlapping * column).ravel()
