"""What several pipelines do, with typed parameters: they meet here and in the catalog alone."""

from galaxy_morphology.steps.calibration import find_temperature, probabilities_for_mix
from galaxy_morphology.steps.training import fingerprint_of, train_network

__all__ = ["find_temperature", "fingerprint_of", "probabilities_for_mix", "train_network"]
