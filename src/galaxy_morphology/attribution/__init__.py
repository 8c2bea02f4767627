"""Which pixels spoke for a classification: Grad-CAM, Integrated Gradients and LIME.

Every method takes a Keras classifier and its images and returns an ``Attribution``; each can be
used without the others, and without Kedro.
"""

from galaxy_morphology.attribution.grad_cam import grad_cam
from galaxy_morphology.attribution.integrated_gradients import integrated_gradients
from galaxy_morphology.attribution.lime import lime
from galaxy_morphology.attribution.logits import logit_model, predicted_classes
from galaxy_morphology.attribution.selection import select_galaxies

__all__ = [
    "grad_cam",
    "integrated_gradients",
    "lime",
    "logit_model",
    "predicted_classes",
    "select_galaxies",
]
