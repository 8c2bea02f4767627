"""Typed parameters that several pipelines share; those of one alone lie with it."""

from galaxy_morphology.options.base import Options, options_of
from galaxy_morphology.options.evaluation import ClassificationOptions, EvaluationOptions
from galaxy_morphology.options.explanations import ExplanationOptions
from galaxy_morphology.options.galaxies import Classes, CutoutOptions
from galaxy_morphology.options.networks import (
    AugmentationOptions,
    NetworkOptions,
    PredictionOptions,
    TrainingOptions,
)
from galaxy_morphology.options.votes import VoteOptions

__all__ = [
    "AugmentationOptions",
    "Classes",
    "ClassificationOptions",
    "CutoutOptions",
    "EvaluationOptions",
    "ExplanationOptions",
    "NetworkOptions",
    "Options",
    "PredictionOptions",
    "TrainingOptions",
    "VoteOptions",
    "options_of",
]
