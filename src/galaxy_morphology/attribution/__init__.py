"""Which pixels spoke for a classification, and how far to trust what a method says of that.

Every method takes a Keras classifier and its images and returns an ``Attribution``; each can be
used without the others, and without Kedro.
"""

from galaxy_morphology.attribution.agreement import Explain, rank_correlation
from galaxy_morphology.attribution.baselines import Baseline, baseline_images
from galaxy_morphology.attribution.controls import control_maps, maps_of_others
from galaxy_morphology.attribution.faithfulness import deletion_and_insertion
from galaxy_morphology.attribution.grad_cam import grad_cam
from galaxy_morphology.attribution.integrated_gradients import integrated_gradients
from galaxy_morphology.attribution.kernel_shap import kernel_shap
from galaxy_morphology.attribution.lime import lime
from galaxy_morphology.attribution.logits import logit_model, predicted_classes
from galaxy_morphology.attribution.methods import METHODS, explainer, titles_of
from galaxy_morphology.attribution.occlusion import occlusion
from galaxy_morphology.attribution.place import pointing_game, shares_by_part
from galaxy_morphology.attribution.rise import rise
from galaxy_morphology.attribution.sanity import (
    MOST_ALIKE,
    agreement_after_randomising,
    passes,
)
from galaxy_morphology.attribution.selection import random_galaxies, select_galaxies
from galaxy_morphology.attribution.stability import (
    agreement_under_noise,
    agreement_when_turned,
    overlap_of_seeds,
)
from galaxy_morphology.attribution.structure import agreement_with_structure

__all__ = [
    "METHODS",
    "MOST_ALIKE",
    "Baseline",
    "Explain",
    "agreement_after_randomising",
    "agreement_under_noise",
    "agreement_when_turned",
    "agreement_with_structure",
    "baseline_images",
    "control_maps",
    "deletion_and_insertion",
    "explainer",
    "grad_cam",
    "integrated_gradients",
    "kernel_shap",
    "lime",
    "logit_model",
    "maps_of_others",
    "occlusion",
    "overlap_of_seeds",
    "passes",
    "pointing_game",
    "predicted_classes",
    "random_galaxies",
    "rank_correlation",
    "rise",
    "select_galaxies",
    "shares_by_part",
    "titles_of",
]
