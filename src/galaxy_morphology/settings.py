"""Kedro's settings. It reads them first of all: what a run needs around it is set up here."""

import warnings

from galaxy_morphology import libraries, logs

libraries.set_up()
logs.set_up()

# OmegaConf tells Kedro, at every command, that a function Kedro calls will be renamed.
warnings.filterwarnings("ignore", message=".*register_new_resolver.*")

from galaxy_morphology.hooks import (  # noqa: E402 - what they import finds all of it set up
    DataFoldersHook,
    LibrariesHook,
    LineageHook,
    ParameterNamesHook,
    RunLockHook,
    RunnerHook,
    ScoresHook,
    WritableArchiveHook,
)

HOOKS = (
    DataFoldersHook(),
    LibrariesHook(),
    ParameterNamesHook(),
    RunnerHook(),
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
