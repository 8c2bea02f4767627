"""Occlusion sensitivity: what the logit loses when a patch of the cut-out is hidden.

Zeiler & Fergus 2014, https://arxiv.org/abs/1311.2901
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from galaxy_morphology.attribution.baselines import Baseline, baseline_images
from galaxy_morphology.attribution.logits import classes_to_explain, explained_logit, logit_model
from galaxy_morphology.compiled import once_per_network, pooling_first
from galaxy_morphology.typing import Attribution, FloatArray, Images, IntArray, KerasModel


def occlusion(
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray | None = None,
    *,
    patch: int = 16,
    stride: int = 8,
    hide_with: Baseline = "sky",
    batch_size: int = 64,
) -> Attribution:
    """Hide one square patch after the other, and see how far the logit of a class drops.

    The patches lie on a grid. Its last row and column end at the edge of the frame, closer to
    those before where the stride does not fit: every patch is whole and every pixel covered.

    Args:
        model: A functional or Sequential Keras classifier.
        images: [N, height, width, channels], in the units the model takes.
        class_indices: The class to explain for each image, int [N]; the predicted when None.
        patch: Side of a patch in pixels.
        stride: Pixels from one patch to the next.
        hide_with: What a hidden patch shows, see :func:`baseline_images`.
        batch_size: Cut-outs at a time.

    Returns:
        Maps float32 [N, height, width], signed: the mean drop of the logit over the patches that
        cover a pixel, positive where hiding it speaks against the class. Quality:
        ``n_patches``, how many were hidden in turn.

    Raises:
        ValueError: A patch is larger than the image or smaller than the stride, or the model
            cannot be explained; or it does not take such images or know such a class.
    """
    classes = classes_to_explain(model, images, class_indices)
    rows, columns = (_patches_along(side, patch, stride) for side in images.shape[1:3])
    n_patches = len(rows) * len(columns)
    n_covering = np.outer(rows.sum(axis=0), columns.sum(axis=0))
    # One cut-out per pair of rows and columns; before them one in which nothing is hidden.
    down = np.pad(np.repeat(rows, len(columns), axis=0), ((1, 0), (0, 0)))
    across = np.pad(np.tile(columns, (len(rows), 1)), ((1, 0), (0, 0)))
    hidden = baseline_images(images, hide_with)
    logits_of = _logits_behind_patches(model)
    maps = np.empty(images.shape[:3], np.float32)
    for i in tqdm(range(len(images)), desc="Occlusion", unit="galaxy"):
        image = np.asarray(images[i], np.float32)
        logits = np.empty(n_patches + 1, np.float32)
        for start in range(0, len(logits), batch_size):
            some = slice(start, start + batch_size)
            logits[some] = logits_of(image, hidden[i], down[some], across[some], classes[i])
        drops = (logits[0] - logits[1:]).reshape(len(rows), len(columns))
        maps[i] = rows.T @ drops @ columns / n_covering
    return Attribution(maps, {"n_patches": np.full(len(images), n_patches, np.float64)})


@once_per_network
def _logits_behind_patches(model: KerasModel) -> Any:
    """Compile the logit of a class behind patches.

    Args:
        model: See :func:`occlusion`.

    Returns:
        A function from the image and what hidden pixels show, both float32 [height, width,
        channels], the rows and the columns that each patch covers, bool [patches, height] and
        [patches, width], and the class, int32 [], to logits [patches].
    """
    import tensorflow as tf

    to_logits = pooling_first(logit_model(model))
    shape = model.inputs[0].shape[1:]
    pixels, class_index = tf.TensorSpec(shape, tf.float32), tf.TensorSpec((), tf.int32)
    down, across = (tf.TensorSpec((None, side), tf.bool) for side in shape[:2])

    @tf.function(autograph=False, input_signature=[pixels, pixels, down, across, class_index])
    def logits_behind_patches(
        image: tf.Tensor, without: tf.Tensor, down: tf.Tensor, across: tf.Tensor,
        class_index: tf.Tensor,
    ) -> tf.Tensor:  # fmt: skip
        covered = down[:, :, None, None] & across[:, None, :, None]
        logits = to_logits(tf.where(covered, without, image), training=False)
        return explained_logit(logits, tf.fill(tf.shape(down)[:1], class_index))

    return logits_behind_patches


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
