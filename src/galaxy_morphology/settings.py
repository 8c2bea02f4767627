"""Kedro's settings, and the environment of the numerical libraries."""

import os
import warnings

from galaxy_morphology.hooks import (
    LineageHook,
    ParameterNamesHook,
    RunLockHook,
    ScoresHook,
    WritableArchiveHook,
)

# Before the first import of TensorFlow. On CPUs without AVX-512 it leaves oneDNN off, which
# halves its speed. Each operation uses all cores, so that two at a time get into each other's way.
# Its start-up messages say nothing that a user could act on.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Before the first import of OpenCV. It works on one small image after another, on as many of them
# at a time as we ask for: threads of its own would only get into TensorFlow's way.
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")

# OmegaConf tells Kedro, at every command, that a function Kedro calls will be renamed.
warnings.filterwarnings("ignore", message=".*register_new_resolver.*")

HOOKS = (
    ParameterNamesHook(),
    RunLockHook(),
    LineageHook(),
    WritableArchiveHook(),
    ScoresHook(),
)

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    # An environment changes single parameters, not whole groups of them.
    "merge_strategy": {"parameters": "soft"},
}
