"""Nodes of modelling."""

import logging

import numpy as np
import pandas as pd

from galaxy_morphology import evaluation, figures, networks, report
from galaxy_morphology.bands import pictures_of
from galaxy_morphology.options import (
    AugmentationOptions,
    Classes,
    PredictionOptions,
    TrainingOptions,
)
from galaxy_morphology.sky import are_bands
from galaxy_morphology.typing import Figure, Images, KerasModel, NetworkImages

logger = logging.getLogger(__name__)


def weigh_classes(galaxies: pd.DataFrame, classes: Classes) -> dict[str, float]:
    """Weigh each class against its share of the training galaxies.

    Args:
        galaxies: Columns ``class_name`` and ``split``, and those of soft labels where they have
            such.
        classes: The classes to weigh.

    Returns:
        Weight by class name, n / (K n_class): scikit-learn's "balanced", a galaxy counting for each
        class by its fraction.
    """
    training = galaxies[galaxies["split"] == "training"]
    counts = evaluation.fractions_of(training, classes.names).sum(axis=0)
    weights = len(training) / (len(classes.names) * counts)
    return dict(zip(classes.names, weights.tolist(), strict=True))


def draw_augmentation(
    images: NetworkImages,
    galaxies: pd.DataFrame,
    classes: Classes,
    options: AugmentationOptions,
    training: TrainingOptions,
) -> Figure:
    """Draw sixteen augmented versions of the first training galaxy of the last class.

    Args:
        images: uint8 [N, height, width, 3], RGB, or bands, of which pictures are drawn.
        galaxies: A row per image.
        classes: The classes in order.
        options: What to do to it.
        training: For its seed.
    """
    of_last_class = galaxies["class_name"] == classes.names[-1]
    row = int(np.flatnonzero(of_last_class & (galaxies["split"] == "training"))[0])
    augmented, _ = networks.augment(
        np.repeat(images[row][None], 16, axis=0),
        np.random.default_rng(training.seed),
        **options.model_dump(),
    )
    galaxy = galaxies.iloc[row]
    original, *versions = _to_be_seen(np.concatenate([images[row][None], augmented]))
    return figures.augmentation_sheet(
        original,
        np.stack(versions),
        galaxy["cataid"],
        simulated=bool(galaxy["simulated"]),
        parts_hidden=options.hide.everything + options.hide.faded + options.hide.parts > 0,
    )


def _to_be_seen(images: NetworkImages) -> Images:
    """Pictures, those of bands scaled as the first."""
    return pictures_of(images) if are_bands(images) else np.asarray(images, np.uint8)


def classify_galaxies(
    classifier: KerasModel,
    images: NetworkImages,
    galaxies: pd.DataFrame,
    classes: Classes,
    options: PredictionOptions,
) -> pd.DataFrame:
    """Classify every galaxy.

    Args:
        classifier: Takes 0 to 255 RGB, or bands.
        images: uint8 [N, height, width, 3], RGB, or float16 [N, height, width, bands].
        galaxies: A row per image.
        classes: The classes in order.
        options: How many at a time, how exactly, and from how many sides.

    Returns:
        A row per galaxy with its logits; with ``view_spread`` where there are several views, and
        ``member_spread`` where the classifier has members.
    """
    answers = networks.ask_classifier(
        classifier, images, progress="Classifying", **options.model_dump()
    )
    table = evaluation.logit_table(galaxies, answers.logits, classes.names)
    return table.assign(**answers.spreads)


def draw_training_curves(training_history: pd.DataFrame, options: TrainingOptions) -> Figure:
    """Draw accuracy and loss per epoch.

    Args:
        training_history: A row per epoch.
        options: Which epoch was kept.
    """
    return figures.training_curves(
        training_history, networks.chosen_epoch(training_history, options.keep)
    )


def write_training_section(
    training_curves: bytes,
    augmentation: bytes,
    training_history: pd.DataFrame,
    options: TrainingOptions,
) -> str:
    """Lay out how the network learned, for the report.

    Args:
        training_curves: Picture of losses and accuracies per epoch.
        augmentation: Picture of one galaxy as the network was shown it.
        training_history: A row per epoch.
        options: Which epoch was kept.

    Returns:
        A section of HTML.
    """
    chosen = networks.chosen_epoch(training_history, options.keep)
    return report.section(
        "Training",
        [
            report.Picture(
                training_curves,
                "Training curves",
                "Both validation curves should have flattened out. Training galaxies are "
                "augmented, and the network learns with dropout: validation can look better.",
                report.charts.training_curves(training_history, chosen),
            ),
            report.Picture(
                augmentation,
                "Augmentation",
                "One training galaxy as the network was shown it. Its class should still be "
                "recognisable wherever it is not hidden.",
            ),
        ],
    )
