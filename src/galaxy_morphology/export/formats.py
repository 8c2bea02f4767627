"""The formats that a classifier is written in: how it is written, and asked again."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.export.onnx_model import load_onnx, to_onnx
from galaxy_morphology.export.saved_model import load_saved_model, to_saved_model
from galaxy_morphology.typing import Images

Files = Mapping[str, bytes]
"""Contents of files by their paths in a folder."""
BATCH_SIZE = 30
"""Of usual numbers it is no divisor: the last batch is smaller, and any size must do."""


class Format(NamedTuple):
    """One way to write a classifier.

    Attributes:
        convert: From a :func:`serving_module` to files.
        load: From files to a function from cut-outs, uint8 [n, height, width, 3], to logits and
            probabilities.
        packages: Distributions that take part.
    """

    convert: Callable[[Any], dict[str, bytes]]
    load: Callable[[Files], Callable[[Images], tuple[Any, Any]]]
    packages: tuple[str, ...]

    def classify(
        self, files: Files, cutouts: Images
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What the files say of cut-outs, as another program would hear it.

        Args:
            files: What :attr:`convert` made.
            cutouts: uint8 [N, height, width, 3], RGB.

        Returns:
            Logits, float32 [N, 1] or [N, K]; and probabilities, float32 [N, K].
        """
        classify = self.load(files)
        batches = [
            classify(cutouts[start : start + BATCH_SIZE])
            for start in range(0, len(cutouts), BATCH_SIZE)
        ]
        logits, probabilities = zip(*batches, strict=True)
        return np.concatenate(logits), np.concatenate(probabilities)


FORMATS = {
    "onnx": Format(to_onnx, load_onnx, ("onnx", "onnxruntime", "tf2onnx")),
    "saved_model": Format(to_saved_model, load_saved_model, ()),
}
