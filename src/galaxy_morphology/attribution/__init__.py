"""Which pixels spoke for a classification, and how far to trust what a method says of that.

Every method takes a Keras classifier and its images and returns an ``Attribution``; each can be
used without the others, and without Kedro.
"""

from galaxy_morphology.attribution.agreement import Explain, rank_correlation
from galaxy_morphology.attribution.controls import control_maps
from galaxy_morphology.attribution.faithfulness import deletion_and_insertion
from galaxy_morphology.attribution.grad_cam import grad_cam
from galaxy_morphology.attribution.integrated_gradients import integrated_gradients
from galaxy_morphology.attribution.lime import lime, lime_stability
from galaxy_morphology.attribution.logits import logit_model, predicted_classes
from galaxy_morphology.attribution.occlusion import occlusion
from galaxy_morphology.attribution.place import pointing_game, shares_by_part
from galaxy_morphology.attribution.sanity import agreement_after_randomising
from galaxy_morphology.attribution.selection import select_galaxies
from galaxy_morphology.attribution.stability import agreement_under_noise, agreement_when_turned
from galaxy_morphology.attribution.structure import agreement_with_structure

__all__ = [
    "Explain",
    "agreement_after_randomising",
    "agreement_under_noise",
    "agreement_when_turned",
    "agreement_with_structure",
    "control_maps",
    "deletion_and_insertion",
    "grad_cam",
    "integrated_gradients",
    "lime",
    "lime_stability",
    "logit_model",
    "occlusion",
    "pointing_game",
    "predicted_classes",
    "rank_correlation",
    "select_galaxies",
    "shares_by_part",
]
