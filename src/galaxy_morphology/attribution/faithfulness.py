"""Whether the classifier really uses what an explanation points at: hide it, and ask again.

Petsiuk, Das & Saenko 2018 (RISE), https://arxiv.org/abs/1806.07421
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from galaxy_morphology.attribution.baselines import Baseline, baseline_images
from galaxy_morphology.attribution.logits import classes_to_explain, explained_logit, logit_model
from galaxy_morphology.attribution.place import checked_maps
from galaxy_morphology.compiled import once_per_network, pooling_first
from galaxy_morphology.typing import FloatArray, Images, IntArray, KerasModel

TIE_SEED = 0


class Faithfulness(NamedTuple):
    """Probability of the explained class while pixels are hidden or shown in a map's order.

    Attributes:
        shares: Share of the pixels hidden or shown, float64 [steps + 1], from 0 to 1.
        deletion: Probability with that share of the image hidden, float64 [N, steps + 1].
        insertion: Probability with only that share of the image shown, float64 [N, steps + 1].
        deletion_area: Area under each deletion curve, float64 [N]; small for a good map.
        insertion_area: Area under each insertion curve, float64 [N]; large for a good map.
    """

    shares: NDArray[np.float64]
    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]
    deletion_area: NDArray[np.float64]
    insertion_area: NDArray[np.float64]


def deletion_and_insertion(
    model: KerasModel,
    images: Images | FloatArray,
    maps: FloatArray,
    class_indices: IntArray | None = None,
    *,
    steps: int = 32,
    hide_with: Baseline = "sky",
    batch_size: int = 64,
) -> Faithfulness:
    """Hide an image, and show it again, pixel by pixel in the order of a map, highest first.

    A map that has found what the class hangs on makes the probability fall soon when that is
    hidden, and rise soon when it is shown. Both depend on what hidden pixels show: compare maps
    only under the same ``hide_with``. Where the image without the galaxy is given the same class
    (``insertion`` begins high), the curves have nowhere to fall to and tell little.

    Args:
        model: A functional Keras classifier.
        images: [N, height, width, channels], in the units the model takes.
        maps: [N, height, width]. Signed maps are ordered by their signed value, pixels of equal
            value at random, in the same way for every galaxy and call.
        class_indices: The class that the maps explain for each image, int [N]; the predicted
            when None.
        steps: Into how many equal shares the pixels are divided.
        hide_with: What a hidden pixel shows, see :func:`baseline_images`.
        batch_size: Images at a time. By default as many as a galaxy has in 32 steps.

    Returns:
        Curves of the probability (after sigmoid or softmax), and the areas under them by the
        trapezoidal rule.

    Raises:
        ValueError: The maps do not fit the images or hold values that are not finite, or there
            is no step.
    """
    if steps < 1:
        raise ValueError(f"Found {steps} steps; expected 1 or more.")
    maps = checked_maps(maps, images.shape[:3], "images")
    classes = classes_to_explain(model, images, class_indices)
    hidden = baseline_images(images, hide_with)
    n_pixels = images.shape[1] * images.shape[2]
    counts = np.rint(np.linspace(0, n_pixels, steps + 1)).astype(np.int32)
    first_shown, end_shown = _ranks_shown(counts)
    probability_of = _probability_of_ranks(model)
    deletion = np.empty((len(images), steps + 1))
    insertion = np.empty((len(images), steps + 1))
    for i in tqdm(range(len(images)), desc="Deletion and insertion", unit="galaxy"):
        image, ranks = np.asarray(images[i], np.float32), _ranks(maps[i])
        probability = np.concatenate(
            [
                probability_of(
                    image, hidden[i], ranks, first_shown[start : start + batch_size],
                    end_shown[start : start + batch_size], classes[i],
                )
                for start in range(0, len(first_shown), batch_size)
            ]
        )  # fmt: skip
        deletion[i] = probability[: steps + 1]
        insertion[i] = [deletion[i, -1], *probability[steps + 1 :], deletion[i, 0]]
    shares = counts / n_pixels
    return Faithfulness(
        shares,
        deletion,
        insertion,
        deletion_area=np.trapezoid(deletion, shares, axis=1),
        insertion_area=np.trapezoid(insertion, shares, axis=1),
    )


@once_per_network
def _probability_of_ranks(model: KerasModel) -> Any:
    """Compile the probability of a class with pixels of some ranks shown.

    Args:
        model: See :func:`deletion_and_insertion`.

    Returns:
        A function from the image and what hidden pixels show, both float32 [height, width,
        channels], the rank of each pixel, int32 [height, width], the first rank that each sample
        shows and the end, both int32 [samples], and the class, int32 [], to probabilities
        [samples].
    """
    import tensorflow as tf

    to_logits = pooling_first(logit_model(model))
    shape = model.inputs[0].shape[1:]
    pixels, ranks = tf.TensorSpec(shape, tf.float32), tf.TensorSpec(shape[:2], tf.int32)
    bound, class_index = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.int32)

    @tf.function(
        autograph=False, input_signature=[pixels, pixels, ranks, bound, bound, class_index]
    )
    def probability_of_ranks(
        image: tf.Tensor, without: tf.Tensor, ranks: tf.Tensor, first: tf.Tensor, end: tf.Tensor,
        class_index: tf.Tensor,
    ) -> tf.Tensor:  # fmt: skip
        is_shown = (ranks >= first[:, None, None]) & (ranks < end[:, None, None])
        logits = to_logits(tf.where(is_shown[..., None], image, without), training=False)
        return _explained_probability(logits, tf.fill(tf.shape(first), class_index))

    return probability_of_ranks


def _ranks_shown(counts: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Which ranks each image of a galaxy shows: from the first to before the end.

    Args:
        counts: How many pixels are hidden or shown at each step, from none to all.

    Returns:
        The first rank and the end for each image: those of the deletion, then those of the
        insertion but for its ends, which are the last and the first of the deletion.
    """
    between = counts[1:-1]
    first = np.concatenate([counts, np.zeros_like(between)])
    end = np.concatenate([np.full_like(counts, counts[-1]), between])
    return first, end


def _ranks(values: NDArray[np.float64]) -> NDArray[np.int32]:
    """The place of each pixel in the order of a map, from 0 for the highest value.

    Equal values come in random order: in the order of the pixels, a flat map would sweep the
    image from the top, and count as one that knows where the galaxy begins.
    """
    at_random = np.random.default_rng(TIE_SEED).random(values.size)
    ranks = np.empty(values.size, np.int32)
    ranks[np.lexsort((at_random, -values.ravel()))] = np.arange(values.size)
    return ranks.reshape(values.shape)


def _explained_probability(logits: Any, class_indices: Any) -> Any:
    """Probability of a class, tensor [N], from logits [N, 1] or [N, K]."""
    import tensorflow as tf

    if logits.shape[1] == 1:
        return tf.sigmoid(explained_logit(logits, class_indices))
    return explained_logit(tf.nn.softmax(logits), class_indices)
