"""Searching for parameters: a study that several processes share, and trials kept apart."""

from galaxy_morphology.tuning.apart import Report, WorkError, run_apart
from galaxy_morphology.tuning.study import Pruning, Search, Trial, importance_of

__all__ = ["Pruning", "Report", "Search", "Trial", "WorkError", "importance_of", "run_apart"]
