"""The numerical libraries as every run has them, whatever its user has set for them elsewhere."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent

OWN_VARIABLES = ("KERAS_", "ONEDNN_", "DNNL_", "OPENCV_", "PANDAS_", "TF_", "XLA_", "NVIDIA_TF32_")
"""Beginnings of the names of variables that change what libraries compute, or whether they do."""
KEPT_VARIABLES = {
    # How much is said, and how much of a machine is taken, is for its user to decide.
    "TF_CPP_MIN_LOG_LEVEL", "TF_CPP_MAX_VLOG_LEVEL", "TF_NUM_INTRAOP_THREADS",
    "TF_FORCE_GPU_ALLOW_GROWTH", "TF_GPU_ALLOCATOR", "TF_GPU_THREAD_COUNT", "TF_GPU_THREAD_MODE",
    "TF_CLI_CONFIG_FILE",  # not TensorFlow's
}  # fmt: skip
CUDA_FOLDER = "--xla_gpu_cuda_data_dir="
NOTEBOOK_BACKEND = "module://matplotlib_inline"
PANDAS_OPTIONS = ("compute", "future", "io", "mode")


def set_up() -> None:
    """Set, before any of them is loaded, what the libraries read from the environment.

    Assigned and not only where it is missing: results would hang on what somebody once wrote
    into a shell's start-up file or into ``~/.keras/keras.json`` and forgot.
    """
    cuda_folder = [
        flag for flag in os.environ.get("XLA_FLAGS", "").split() if flag.startswith(CUDA_FOLDER)
    ]
    for name in list(os.environ):
        if name.startswith(OWN_VARIABLES) and name not in KEPT_VARIABLES:
            del os.environ[name]
    if cuda_folder:  # where XLA finds what it compiles with, on some machines
        os.environ["XLA_FLAGS"] = cuda_folder[-1]

    # On CPUs without AVX-512 TensorFlow leaves oneDNN off, which halves its speed. Each operation
    # uses all cores, so that two at a time get into each other's way.
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"
    # Its start-up messages say nothing that a user could act on.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    # OpenCV works on one small image after another, on as many of them at a time as we ask for:
    # threads of its own would only get into TensorFlow's way.
    os.environ["OPENCV_FOR_THREADS_NUM"] = "1"

    # In place of ~/.keras/keras.json, which may name another backend, number format or order of
    # dimensions. What Keras downloads would lie there too, but see `networks.transfer`.
    os.environ["KERAS_HOME"] = str(HERE)
    os.environ["KERAS_BACKEND"] = "tensorflow"

    # In place of the user's matplotlibrc; and nothing is shown in a window. What is drawn in a
    # notebook is its user's own.
    if not os.environ.get("MPLBACKEND", "").startswith(NOTEBOOK_BACKEND):
        os.environ["MATPLOTLIBRC"] = str(HERE / "matplotlibrc")
        os.environ["MPLBACKEND"] = "agg"

    # No command of this project asks a server anything that was not asked for.
    os.environ["DO_NOT_TRACK"] = "1"


def reset() -> None:
    """Give libraries that were loaded and changed before :func:`set_up` their defaults back.

    As in a notebook, or where Python itself starts with a ``sitecustomize``. Matplotlib is not
    among them: figures are drawn within a style of their own, see ``figures.style``.

    Raises:
        ValueError: Keras is loaded with another backend than TensorFlow.
    """
    if pandas := sys.modules.get("pandas"):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of options that pandas no longer heeds
            for group in PANDAS_OPTIONS:
                pandas.reset_option(f"^{group}\\.")
    if keras := sys.modules.get("keras"):
        if keras.config.backend() != "tensorflow":
            raise ValueError(
                f"Keras is loaded with the backend {keras.config.backend()}, but this project "
                "needs TensorFlow: restart Python, and load the project first."
            )
        keras.config.set_floatx("float32")
        keras.config.set_epsilon(1e-7)
        keras.config.set_image_data_format("channels_last")
