"""TensorFlow's SavedModel: a folder that TensorFlow alone loads, also in C++, Java and Go."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from galaxy_morphology.export.serving import INPUT, OUTPUTS
from galaxy_morphology.typing import Images

FOLDER = "saved_model"


def to_saved_model(module: Any) -> dict[str, bytes]:
    """Save a classifier with its signature ``serving_default``.

    Args:
        module: From :func:`serving_module`.

    Returns:
        The files of a folder ``saved_model``.
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / FOLDER
        tf.saved_model.save(module, folder, module.classify.get_concrete_function())
        return {
            file.relative_to(parent).as_posix(): file.read_bytes()
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }


def load_saved_model(files: Mapping[str, bytes]) -> Callable[[Images], tuple[Any, Any]]:
    """A function from cut-outs, uint8 [n, height, width, 3], to logits and probabilities.

    It runs on the processor, where float32 has all its digits: graphics cards round factors.

    Args:
        files: From :func:`to_saved_model`.
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as parent:
        for name, content in files.items():
            file = Path(parent) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        with tf.device("CPU"):
            loaded = tf.saved_model.load(Path(parent) / FOLDER)

    def classify(cutouts: Images) -> tuple[Any, Any]:
        with tf.device("CPU"):
            said = loaded.signatures["serving_default"](**{INPUT: tf.constant(cutouts)})
        logits, probabilities = (np.asarray(said[name]) for name in OUTPUTS)
        return logits, probabilities

    return classify
