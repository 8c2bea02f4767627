"""What happens around a run: it is checked before it begins, and told of when it has ended."""

from galaxy_morphology.hooks.data_folders import DataFoldersHook
from galaxy_morphology.hooks.libraries import LibrariesHook
from galaxy_morphology.hooks.lineage import LineageHook
from galaxy_morphology.hooks.parameter_names import ParameterNamesHook
from galaxy_morphology.hooks.run_lock import RunLockHook
from galaxy_morphology.hooks.runner import RunnerHook
from galaxy_morphology.hooks.scores import ScoresHook
from galaxy_morphology.hooks.writable_archive import WritableArchiveHook

__all__ = [
    "DataFoldersHook",
    "LibrariesHook",
    "LineageHook",
    "ParameterNamesHook",
    "RunLockHook",
    "RunnerHook",
    "ScoresHook",
    "WritableArchiveHook",
]
