"""ONNX: one file that onnxruntime and many other programs read, without TensorFlow."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from galaxy_morphology.export.serving import INPUT, OUTPUTS
from galaxy_morphology.typing import Images

FILE = "classifier.onnx"


def to_onnx(module: Any) -> dict[str, bytes]:
    """Convert a classifier with tf2onnx.

    Args:
        module: From :func:`serving_module`.

    Returns:
        One file, ``classifier.onnx``, with an input ``cutouts`` and the outputs ``logits`` and
        ``probabilities``, all for batches of any size.

    Raises:
        ValueError: The packages for it are not installed, or ONNX has no operation for something
            that the network does; names it.
    """
    try:
        import onnx
        import onnxruntime  # noqa: F401 - what is converted is then asked with it
        import tf2onnx
    except ImportError as error:
        raise ValueError(
            f"What writes ONNX is not installed ({error}). Install it with `pip install onnx "
            "onnxruntime tf2onnx`, or the project with its extra `export`; or leave `onnx` out of "
            "`export.formats`."
        ) from error
    function = module.classify
    with _saying_nothing("tf2onnx"):
        try:
            model, _ = tf2onnx.convert.from_function(function, function.input_signature)
        except Exception as error:  # whatever it stumbles over
            raise _cannot_be_written(" ".join(str(error).split())[:200]) from error
    lacking = {
        node.op_type for node in model.graph.node if not onnx.defs.has(node.op_type, node.domain)
    }
    if lacking:
        raise _cannot_be_written(f"ONNX has no operation for {', '.join(sorted(lacking))}")
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    return {FILE: model.SerializeToString()}


def load_onnx(files: Mapping[str, bytes]) -> Callable[[Images], tuple[Any, Any]]:
    """A function from cut-outs, uint8 [n, height, width, 3], to logits and probabilities.

    Args:
        files: From :func:`to_onnx`.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(files[FILE], providers=["CPUExecutionProvider"])

    def classify(cutouts: Images) -> tuple[Any, Any]:
        logits, probabilities = session.run(OUTPUTS, {INPUT: cutouts})
        return logits, probabilities

    return classify


def _cannot_be_written(why: str) -> ValueError:
    return ValueError(
        f"The classifier cannot be written as ONNX: {why}. Leave `onnx` out of `export.formats`, "
        "or train another network."
    )


@contextmanager
def _saying_nothing(name: str) -> Iterator[None]:
    """Keep a library's logs back: what matters of them is said by an error."""
    library = logging.getLogger(name)
    before = library.level
    library.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        library.setLevel(before)
