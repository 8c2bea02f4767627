"""From logits to probabilities: calibrated, and for the mix of classes that is wanted."""

import numpy as np

from galaxy_morphology import evaluation, networks
from galaxy_morphology.options import Classes, ClassificationOptions
from galaxy_morphology.typing import FloatArray


def find_temperature(
    logits: FloatArray, labels: FloatArray, classes: Classes, options: ClassificationOptions
) -> float:
    """The temperature that fits galaxies best.

    Balanced class weights make probabilities for equally frequent classes. Where a mix of classes
    is set, from which probabilities for another follow, they are fitted as such.

    Args:
        logits: [N, 1] or [N, K]; of validation galaxies.
        labels: Fraction of each class, [N, K], as ``evaluation.fractions_of`` gives them.
        classes: The classes in order.
        options: Whether to calibrate, and whether for another mix of classes.

    Returns:
        1 where calibration is off.
    """
    if not options.calibrate:
        return 1.0
    equal = None if options.class_prior is None else np.ones(len(classes.names))
    weights = evaluation.mix_weights(labels.argmax(axis=1), equal)
    return evaluation.fit_temperature(logits, labels, weights)


def probabilities_for_mix(
    logits: FloatArray, temperature: float, classes: Classes, options: ClassificationOptions
) -> FloatArray:
    """Probability of each class, [N, K], calibrated and for the mix of classes that is wanted.

    Args:
        logits: [N, 1] or [N, K].
        temperature: By which they are divided.
        classes: The classes in order.
        options: For the mix of classes; without one probabilities are for equal shares.

    Raises:
        ValueError: The class prior names other classes than there are.
    """
    probability = networks.probabilities(np.asarray(logits) / temperature)
    prior = options.prior(classes)
    return probability if prior is None else evaluation.adjust_prior(probability, prior)
