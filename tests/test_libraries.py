"""What a user has set for the numerical libraries elsewhere has no influence on a run."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from galaxy_morphology import libraries

SPOILT = {
    "MPLBACKEND": "nonsense",
    "KERAS_BACKEND": "jax",
    "KERAS_MAX_EPOCHS": "one",
    "TF_USE_LEGACY_KERAS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2",
    "XLA_FLAGS": "--no_such_flag=1",
    "ONEDNN_DEFAULT_FPMATH_MODE": "BF16",
    "OPENCV_IO_MAX_IMAGE_PIXELS": "10",
    "PANDAS_FUTURE_INFER_STRING": "0",
}
SEEN = """
import galaxy_morphology.settings
import cv2, keras, matplotlib, numpy as np, pandas as pd
import tensorflow as tf
print(keras.backend.backend(), keras.backend.floatx(), keras.backend.image_data_format())
print(float(tf.reduce_sum(tf.function(lambda x: x * 2, jit_compile=True)(tf.ones(3)))))
print(matplotlib.get_backend(), matplotlib.rcParams["axes.facecolor"])
print(cv2.imdecode(cv2.imencode(".png", np.zeros((9, 9, 3), np.uint8))[1], 1).shape)
print(pd.Series(["a"]).dtype)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with settings for matplotlib and Keras that nobody wants."""
    for path, text in {
        ".keras/keras.json": '{"floatx": "float16", "image_data_format": "channels_first"}',
        ".config/matplotlib/matplotlibrc": "axes.facecolor: red\nbackend: nonsense\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_settings_of_a_user_are_not_seen(home: Path) -> None:
    spoilt = {**os.environ, **SPOILT, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    for name in ("KERAS_HOME", "MATPLOTLIBRC"):
        spoilt.pop(name, None)
    seen = subprocess.run(
        [sys.executable, "-c", SEEN], env=spoilt, capture_output=True, text=True, check=False
    )
    assert seen.stdout.splitlines() == [
        "tensorflow float32 channels_last",
        "6.0",
        "agg white",
        "(9, 9, 3)",
        str(pd.Series(["a"]).dtype),
    ], seen.stderr
    # Two messages of TensorFlow's that no variable silences; nothing else speaks at import.
    assert {line[:5] for line in seen.stderr.splitlines()} <= {"WARNI", "I0000"}, seen.stderr


def test_who_decides_about_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {
        "XLA_FLAGS": "--xla_gpu_cuda_data_dir=/opt/cuda --xla_cpu_enable_fast_math=true",
        "TF_NUM_INTRAOP_THREADS": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "HOME": "/home/somebody",
    })  # fmt: skip
    libraries.set_up()
    assert os.environ["XLA_FLAGS"] == "--xla_gpu_cuda_data_dir=/opt/cuda"
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "1"
    assert os.environ["HOME"] == "/home/somebody"
    assert "inline" in os.environ["MPLBACKEND"]  # figures stay visible in a notebook
    assert "MATPLOTLIBRC" not in os.environ


def test_libraries_that_are_loaded_already_get_their_defaults_back() -> None:
    import keras

    keras.config.set_floatx("float16")
    keras.config.set_image_data_format("channels_first")
    with pd.option_context("mode.string_storage", "python"):
        libraries.reset()
        assert pd.get_option("mode.string_storage") == "auto"
    assert keras.config.floatx() == "float32"
    assert keras.config.image_data_format() == "channels_last"


def test_keras_with_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="backend jax"):
        libraries.reset()
