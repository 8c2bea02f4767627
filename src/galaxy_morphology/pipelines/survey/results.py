"""What the catalogue of a survey says: nodes, and their box."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kedro.pipeline import Node, Pipeline

from galaxy_morphology import evaluation, figures, morphology, networks, report, survey
from galaxy_morphology.boxes import box
from galaxy_morphology.imaging import Cutout
from galaxy_morphology.options import Classes, EvaluationOptions, PredictionOptions
from galaxy_morphology.pipelines.survey import page
from galaxy_morphology.pipelines.survey.options import LabellingOptions, ResultOptions
from galaxy_morphology.sources.layout import Columns
from galaxy_morphology.typing import Figure, Images, KerasModel

logger = logging.getLogger(__name__)


def summarise_catalogue(
    catalogue: Path, classes: Classes, options: ResultOptions
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Go through the catalogue once, and keep of it what does not grow with it.

    Args:
        catalogue: The folder of its shards.
        classes: The classes in order.
        options: How many galaxies to keep.

    Returns:
        Counts; the galaxies that stand out; more of them, with those that are flagged, for the
        gallery; and random ones.
    """
    tables = survey.read_shards(catalogue, survey.columns_read(classes.names))
    n_shown = report.MOST_GALAXIES
    room = survey.n_notable(n_shown, len(classes.names))
    found = survey.look_over(
        tables, classes.names, n_notable=max(options.notable, room),
        n_marked=n_shown, n_sample=options.sampled,
    )  # fmt: skip
    foremost = found.notable.groupby(["kind", "predicted_class"], sort=False).head(options.notable)
    worth_showing = pd.concat([found.notable, found.marked], ignore_index=True)
    return found.counts, foremost, worth_showing, found.sample


def estimate_shares(
    counts: dict[str, Any],
    sample: pd.DataFrame,
    predictions: pd.DataFrame,
    metrics: dict[str, Any],
    classes: Classes,
    options: EvaluationOptions,
) -> pd.DataFrame:
    """Estimate how frequent each class is, as counted and corrected for wrong classifications.

    Args:
        counts: Of the catalogue.
        sample: Random galaxies of it.
        predictions: Labelled galaxies, as the same classifier sees them.
        metrics: Scores by split, the last being of galaxies that nothing was chosen on.
        classes: The classes in order.
        options: Level of the intervals, draws and seed.

    Returns:
        A row for each method and class.
    """
    tested = predictions[predictions["split"] == list(metrics)[-1]]
    shares = evaluation.class_shares(
        np.array([counts["classes"][name]["predicted"] for name in classes.names]),
        evaluation.probabilities_of(sample, classes.names),
        evaluation.probabilities_of(tested, classes.names),
        evaluation.fractions_of(tested, classes.names),
        classes.names,
        confidence=options.confidence,
        n_resamples=options.n_resamples,
        seed=options.seed,
    )
    return shares.assign(simulated=counts["simulated"])


def draw_class_shares(
    class_shares: pd.DataFrame, counts: dict[str, Any], predictions: pd.DataFrame, classes: Classes
) -> Figure:
    """Draw how frequent each class is.

    Args:
        class_shares: A row for each method and class.
        counts: Of the catalogue.
        predictions: Labelled galaxies.
        classes: The classes in order.
    """
    labelled = predictions["class_name"].value_counts(normalize=True)
    return figures.class_shares(
        class_shares,
        {name: float(labelled.get(name, 0)) for name in classes.names},
        n_galaxies=counts["classified"],
        simulated=counts["simulated"],
    )


def draw_probabilities(
    counts: dict[str, Any], predictions: pd.DataFrame, metrics: dict[str, Any], classes: Classes
) -> Figure:
    """Draw the probabilities beside those of labelled galaxies.

    Args:
        counts: Of the catalogue.
        predictions: Labelled galaxies.
        metrics: Scores by split.
        classes: The classes in order.
    """
    split = list(metrics)[-1]
    tested = predictions[predictions["split"] == split]
    histograms = survey.histogram_of(evaluation.probabilities_of(tested, classes.names))
    return figures.probability_distributions(
        counts["probabilities"],
        dict(zip(classes.names, histograms.tolist(), strict=True)),
        split=split,
        simulated=counts["simulated"],
    )


def draw_notable_galaxies(
    notable_galaxies: pd.DataFrame,
    survey_cutouts: survey.SurveyCutouts,
    counts: dict[str, Any],
    classes: Classes,
) -> Figure:
    """Draw the most certain, the least certain and the most unlike galaxies of each class.

    Args:
        notable_galaxies: A row for each.
        survey_cutouts: By identifier.
        counts: Of the catalogue.
        classes: The classes in order.
    """
    return figures.notable_galaxies(
        _pictures(survey_cutouts, notable_galaxies["cataid"]),
        notable_galaxies,
        classes.names,
        simulated=counts["simulated"],
    )


def compare_with_training(
    sample: pd.DataFrame,
    survey_cutouts: survey.SurveyCutouts,
    images: Images,
    galaxies: pd.DataFrame,
    features: pd.DataFrame,
    options: ResultOptions,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare sky, noise and sizes with those of the training galaxies, and warn where they differ.

    Args:
        sample: Random galaxies of the catalogue.
        survey_cutouts: By identifier.
        images: Of labelled galaxies, uint8 [N, height, width, 3].
        galaxies: A row per image.
        features: The same galaxies, with their measures.
        options: How many to compare, and what counts as different.

    Returns:
        A row per quantity; and what was measured, a row per galaxy, with ``survey``.
    """
    some = sample.head(options.compared)
    if some.empty:
        nothing = evaluation.distribution_shifts(some, some, (), least_distance=1)
        return nothing.assign(simulated=False), pd.DataFrame()
    cutouts = np.stack(_pictures(survey_cutouts, some["cataid"]))
    theirs = survey.appearance_of(
        cutouts, some, morphology.measure_galaxies(cutouts, some.assign(arcsec_per_pixel=np.nan))
    )
    training = np.flatnonzero(galaxies["split"] == "training")
    rng = np.random.default_rng(options.seed)
    rows = np.sort(rng.permutation(training)[: options.compared])
    known = galaxies.iloc[rows]
    ours = survey.appearance_of(
        images[rows], known, features.set_index("cataid").loc[known["cataid"]].reset_index()
    )
    quantities = ours.columns.drop("cataid").tolist()
    shifts = evaluation.distribution_shifts(
        ours, theirs, quantities, least_distance=options.least_distance
    )
    if shifts["differs"].any():
        logger.warning(
            "The survey does not look like the training galaxies: %s. Its classes and their shares "
            "are to be doubted; see 08_reporting/survey/shifts.csv.", _in_words(shifts),
        )  # fmt: skip
    simulated = bool(some["simulated"].any())
    appearance = pd.concat([ours.assign(survey=False), theirs.assign(survey=True)])
    appearance = appearance.assign(simulated=simulated).reset_index(drop=True)
    return shifts.assign(simulated=simulated), appearance


def draw_shifts(shifts: pd.DataFrame, appearance: pd.DataFrame, counts: dict[str, Any]) -> Figure:
    """Draw sky, noise and sizes beside those of the training galaxies.

    Args:
        shifts: A row per quantity.
        appearance: A row per galaxy, with ``survey``.
        counts: Of the catalogue.
    """
    is_survey = appearance.get("survey", pd.Series(dtype=bool)).astype(bool)
    return figures.distribution_shifts(
        appearance[~is_survey], appearance[is_survey], shifts, simulated=counts["simulated"]
    )


def choose_galaxies_to_label(
    sample: pd.DataFrame,
    survey_cutouts: survey.SurveyCutouts,
    classifier: KerasModel,
    classes: Classes,
    prediction: PredictionOptions,
    options: LabellingOptions,
) -> pd.DataFrame:
    """Choose the galaxies from whose labels a classifier would learn most.

    Of random galaxies, the least certain are candidates; of these, galaxies are chosen that are
    uncertain in different ways. Duplicates are left out.

    Args:
        sample: Random galaxies of the catalogue.
        survey_cutouts: By identifier.
        classifier: Whose last features tell galaxies apart.
        classes: The classes in order.
        prediction: How the classifier is asked.
        options: How many to choose, of how many candidates for each, and the seed.

    Returns:
        A row for each, in the order in which they were chosen.
    """
    once = sample[sample["duplicate_of"].isna()].sort_values(["margin", "cataid"])
    candidates = once.head(options.candidates * options.n_galaxies).reset_index(drop=True)
    if candidates.empty:
        return candidates
    seen = [cutout.network_image for cutout in _read(survey_cutouts, candidates["cataid"])]
    answers = networks.ask_classifier(
        classifier, np.stack(seen), features=True,
        batch_size=prediction.batch_size, precision=prediction.precision,
        progress="Looking for galaxies worth a label",
    )  # fmt: skip
    rows = survey.most_instructive(
        evaluation.probabilities_of(candidates, classes.names), answers.features,
        options.n_galaxies, seed=options.seed,
    )  # fmt: skip
    return candidates.iloc[rows].reset_index(drop=True)


def write_label_list(instructive_galaxies: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Write the label list that a person fills in.

    Args:
        instructive_galaxies: Those that are worth a label, a row for each.
        columns: What the columns of the user's label list are called.
    """
    return survey.label_list(instructive_galaxies, columns)


def draw_instructive_galaxies(
    instructive_galaxies: pd.DataFrame,
    survey_cutouts: survey.SurveyCutouts,
    counts: dict[str, Any],
    options: LabellingOptions,
) -> Figure:
    """Draw galaxies that are worth a label.

    Args:
        instructive_galaxies: A row for each.
        survey_cutouts: By identifier.
        counts: Of the catalogue.
        options: How many to show.
    """
    shown = instructive_galaxies["cataid"].head(options.n_shown)
    return figures.galaxies_to_label(
        _pictures(survey_cutouts, shown), shown.tolist(), len(instructive_galaxies),
        simulated=counts["simulated"],
    )  # fmt: skip


def _read(cutouts: survey.SurveyCutouts, cataids: pd.Series) -> list[Cutout]:
    """The cut-outs of some galaxies, in order."""
    found = cutouts.read(cataids.tolist()) if len(cataids) else {}
    return [found[cataid] for cataid in cataids.tolist()]


def _pictures(cutouts: survey.SurveyCutouts, cataids: pd.Series) -> list[Images]:
    """What people see of some galaxies, in order."""
    return [cutout.pixels for cutout in _read(cutouts, cataids)]


def _in_words(shifts: pd.DataFrame) -> str:
    return ", ".join(
        f"{one['quantity'].replace('_', ' ')} (median {one['survey_median']:.3g} against "
        f"{one['training_median']:.3g}, distance {one['ks_distance']:.2f})"
        for one in shifts[shifts["differs"]].to_dict("records")
    )


def results_pipeline() -> Pipeline:
    """From ``survey_catalogue`` and ``survey_cutouts`` to the page on the survey."""
    nodes = [
        Node(
            summarise_catalogue,
            inputs=["survey_catalogue", "params:classes", "params:survey_results"],
            outputs=["counts", "notable_galaxies", "worth_showing", "sample"],
            name="summarise_catalogue",
        ),
        Node(
            estimate_shares,
            inputs=[
                "counts",
                "sample",
                "predictions",
                "metrics",
                "params:classes",
                "params:evaluation",
            ],
            outputs="class_shares",
            name="estimate_shares",
        ),
        Node(
            draw_class_shares,
            inputs=["class_shares", "counts", "predictions", "params:classes"],
            outputs="class_shares_figure",
            name="draw_class_shares",
        ),
        Node(
            draw_probabilities,
            inputs=["counts", "predictions", "metrics", "params:classes"],
            outputs="probabilities_figure",
            name="draw_probabilities",
        ),
        Node(
            draw_notable_galaxies,
            inputs=["notable_galaxies", "survey_cutouts", "counts", "params:classes"],
            outputs="notable_galaxies_figure",
            name="draw_notable_galaxies",
        ),
        Node(
            compare_with_training,
            inputs=[
                "sample",
                "survey_cutouts",
                "images",
                "galaxies",
                "features",
                "params:survey_results",
            ],
            outputs=["shifts", "appearance"],
            name="compare_with_training",
        ),
        Node(
            draw_shifts,
            inputs=["shifts", "appearance", "counts"],
            outputs="shifts_figure",
            name="draw_shifts",
        ),
        Node(
            choose_galaxies_to_label,
            inputs=[
                "sample",
                "survey_cutouts",
                "classifier",
                "params:classes",
                "params:prediction",
                "params:to_label",
            ],
            outputs="instructive_galaxies",
            name="choose_galaxies_to_label",
        ),
        Node(
            write_label_list,
            inputs=["instructive_galaxies", "params:label_columns"],
            outputs="to_label",
            name="write_label_list",
        ),
        Node(
            draw_instructive_galaxies,
            inputs=["instructive_galaxies", "survey_cutouts", "counts", "params:to_label"],
            outputs="instructive_galaxies_figure",
            name="draw_instructive_galaxies",
        ),
        *page.page_nodes(),
    ]
    return box("results", nodes, shared={"class_shares", "to_label", "survey_report"})
