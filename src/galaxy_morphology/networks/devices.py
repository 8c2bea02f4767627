"""What suits the device that a network runs on."""

from typing import Literal

Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]


def best_precision() -> Precision:
    """The number format to train in: the fastest that learns as well as float32.

    Returns:
        On graphics cards since Ampere ``mixed_bfloat16``; since Volta ``mixed_float16``, whose
        losses Keras scales; elsewhere ``float32``. Some processors know bfloat16 as well and
        are faster with it, but among processors a result should not depend on which it was made on.
    """
    import tensorflow as tf

    cards = tf.config.list_physical_devices("GPU")
    if not cards:
        return "float32"
    details = tf.config.experimental.get_device_details(cards[0])
    generation, _ = details.get("compute_capability", (0, 0))
    if generation >= 8:
        return "mixed_bfloat16"
    return "mixed_float16" if generation == 7 else "float32"


def should_use_xla() -> bool:
    """Whether to compile a whole training step with XLA.

    Returns:
        True where there is a graphics card.
    """
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))
