"""A survey out of a seed: galaxies of which everything is known, and a sky to see them through."""

from galaxy_morphology.simulation.observation import Observation, colour_image, expose, observe
from galaxy_morphology.simulation.survey import draw_survey, structure_planes
from galaxy_morphology.simulation.truth import BANDS, draw_truth

__all__ = [
    "BANDS",
    "Observation",
    "colour_image",
    "draw_survey",
    "draw_truth",
    "expose",
    "observe",
    "structure_planes",
]
