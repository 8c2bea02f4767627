"""What a network answers while parts of a cut-out are hidden behind a sky."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.attribution.baselines import ATTRIBUTING, Baseline, baseline_images
from galaxy_morphology.attribution.logits import explained_logit, logit_model
from galaxy_morphology.compiled import once_per_network, pooling_first
from galaxy_morphology.progress import progress_bar
from galaxy_morphology.typing import FloatArray, Images, IntArray, KerasModel


class Hideable(NamedTuple):
    """A galaxy of which parts can be hidden behind skies of its own.

    Attributes:
        model: The network that is asked.
        image: [height, width, channels], as it comes.
        class_index: The class that is explained.
        skies: float32 [skies, height, width, channels].
        rng: Chooses what to hide.
        batch_size: Cut-outs at a time.
    """

    model: KerasModel
    image: NDArray[np.uint8] | FloatArray
    class_index: int
    skies: NDArray[np.float32]
    rng: np.random.Generator
    batch_size: int

    def logits(self, shown: NDArray[Any], which: IntArray | None = None) -> NDArray[np.float64]:
        """The explained logit with parts hidden.

        Args:
            shown: bool or float [n, height, width], see :func:`logits_behind`.
            which: int [n], the sky behind each; those beyond the last begin again with the first.
                None: the skies take turns.

        Returns:
            float64 [n].
        """
        which = np.arange(len(shown)) if which is None else which
        logits = logits_behind(
            self.model, self.image, self.skies, shown, which % len(self.skies), self.batch_size
        )
        classes = np.full(len(shown), self.class_index, np.int32)
        return np.asarray(explained_logit(logits, classes), np.float64)


def hideable_galaxies(
    model: KerasModel,
    images: Images | FloatArray,
    classes: IntArray,
    *,
    hide_with: Baseline,
    n_skies: int,
    seed: int,
    batch_size: int,
    progress: str,
) -> Iterator[Hideable]:
    """Each galaxy with its own skies, behind a bar that shows how far one is.

    Skies and choices are drawn anew for every galaxy: what is said of one does not depend on
    which others it is explained with.

    Args:
        model: A functional or Sequential Keras classifier.
        images: [N, height, width, channels], in the units the model takes.
        classes: The class to explain for each image, int [N].
        hide_with: What hidden pixels show, see :func:`baseline_images`.
        n_skies: How many different skies.
        seed: Seeds skies and choices.
        batch_size: Cut-outs at a time.
        progress: What the bar is called.

    Yields:
        A galaxy per image.
    """
    for image, class_index in zip(
        progress_bar(images, desc=progress, unit="galaxy"), classes.tolist(), strict=True
    ):
        rng = np.random.default_rng([seed, ATTRIBUTING])
        skies = baseline_images(image, hide_with, n_skies, rng)
        yield Hideable(model, image, class_index, skies, rng, batch_size)


def logits_behind(
    model: KerasModel,
    image: NDArray[np.uint8] | FloatArray,
    skies: NDArray[np.float32],
    shown: NDArray[Any],
    which: IntArray,
    batch_size: int = 64,
) -> NDArray[np.float32]:
    """Hide parts of one cut-out in many ways, and ask a network about each.

    Args:
        model: A functional or Sequential Keras classifier.
        image: [height, width, channels], in the units the model takes.
        skies: What hidden pixels may show, float32 [skies, height, width, channels].
        shown: What is seen of the image in each way, bool or float 0 to 1 [n, height, width]: its
            share in every pixel, of which the rest is sky.
        which: The number of the sky behind each, int [n].
        batch_size: Cut-outs at a time.

    Returns:
        Logits, float32 [n, 1] or [n, K], see :func:`logit_model`.
    """
    import tensorflow as tf

    ask = _logits_of_mixtures(model)
    pixels, behind = tf.constant(np.asarray(image, np.float32)), tf.constant(skies, tf.float32)
    return np.concatenate(
        [
            ask(
                pixels,
                behind,
                shown[start : start + batch_size].astype(np.float32),
                which[start : start + batch_size].astype(np.int32),
            )
            for start in range(0, len(shown), batch_size)
        ]
    )


@once_per_network
def _logits_of_mixtures(model: KerasModel) -> Any:
    """Compile the logits of one image mixed with skies, as :func:`logits_behind` takes them."""
    import tensorflow as tf

    to_logits = pooling_first(logit_model(model))
    height, width, channels = model.inputs[0].shape[1:]

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec((height, width, channels), tf.float32),
            tf.TensorSpec((None, height, width, channels), tf.float32),
            tf.TensorSpec((None, height, width), tf.float32),
            tf.TensorSpec((None,), tf.int32),
        ],
    )
    def logits_of_mixtures(
        image: tf.Tensor, skies: tf.Tensor, shown: tf.Tensor, which: tf.Tensor
    ) -> tf.Tensor:
        share = shown[..., None]
        mixtures = share * image + (1 - share) * tf.gather(skies, which)
        return tf.cast(to_logits(mixtures, training=False), tf.float32)

    return logits_of_mixtures
