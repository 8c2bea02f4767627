"""The page on a survey: nodes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from kedro.pipeline import Node
from numpy.typing import NDArray

from galaxy_morphology import evaluation, report, survey
from galaxy_morphology.options import Classes, ClassificationOptions, EvaluationOptions
from galaxy_morphology.pipelines.survey.options import ResultOptions, SurveyOptions
from galaxy_morphology.words import format_score

SAYS = {
    "unlike_training": "unlike the training galaxies",
    "channel_without_signal": "a channel without signal",
    "duplicate": "same pixels as another",
    "rejected": "not classified",
}
"""What the gallery says of what may be the matter with a galaxy."""


def write_summary(
    counts: dict[str, Any],
    class_shares: pd.DataFrame,
    shifts: pd.DataFrame,
    survey_summary: dict[str, Any],
    to_label: pd.DataFrame,
    galaxies: pd.DataFrame,
    calibration: dict[str, float | None],
    classification: ClassificationOptions,
    evaluated: EvaluationOptions,
    options: ResultOptions,
    classified: SurveyOptions,
) -> str:
    """Say what the catalogue comes to.

    Args:
        counts: Of the catalogue.
        class_shares: A row for each method and class.
        shifts: A row per quantity.
        survey_summary: With the reasons why galaxies were rejected.
        to_label: The label list that a person fills in.
        galaxies: Those that have labels.
        calibration: Temperature and threshold.
        classification: For the accuracy that the threshold promises.
        evaluated: For the level of the intervals.
        options: What counts as different.
        classified: For how many galaxies are expected to be flagged.

    Returns:
        A section of HTML.
    """
    n_validation = int((galaxies["split"] == "validation").sum())
    flagged_share, confidence = classified.flagged_share, evaluated.confidence
    return report.survey_summary(
        counts, class_shares, shifts,
        reasons=survey_summary["rejected"],
        n_nameless=survey_summary["galaxies"]["without_identifier"],
        n_to_label=len(to_label),
        flagged=evaluation.wilson_interval(
            counts["unlike_training"], counts["classified"], confidence
        ),
        expected=evaluation.wilson_interval(
            flagged_share * n_validation, n_validation, confidence
        ),
        flagged_share=flagged_share,
        threshold=calibration["threshold"],
        accuracy_wanted=classification.accuracy_wanted,
        confidence=confidence,
        least_distance=options.least_distance,
    )  # fmt: skip


def write_gallery(
    worth_showing: pd.DataFrame,
    sample: pd.DataFrame,
    instructive_galaxies: pd.DataFrame,
    survey_cutouts: survey.SurveyCutouts,
    training_features: survey.TrainingFeatures,
    counts: dict[str, Any],
    classes: Classes,
) -> str:
    """Show galaxies of every kind, as many as a page has room for.

    Args:
        worth_showing: Galaxies that stand out or are flagged, by ``kind``.
        sample: Random galaxies of the catalogue.
        instructive_galaxies: Those that are worth a label.
        survey_cutouts: By identifier.
        training_features: For the distance from which galaxies are unlike them.
        counts: Of the catalogue.
        classes: The classes in order.

    Returns:
        A section of HTML.
    """
    is_marked = worth_showing["kind"].isin(survey.MARKS)
    chosen = survey.select_shown(
        instructive_galaxies, worth_showing[~is_marked], worth_showing[is_marked], sample,
        report.MOST_GALAXIES,
    )  # fmt: skip
    galaxies = chosen.galaxies
    is_classified = galaxies["rejected"].isna().to_numpy()
    keep = galaxies["keep"].to_numpy(bool)
    return report.survey_gallery(
        _cutouts(survey_cutouts, galaxies["cataid"][is_classified]),
        galaxies,
        classes.names,
        flags={says: survey.has_mark(galaxies, mark) for mark, says in SAYS.items()},
        groups={
            **chosen.groups,
            "certain enough": is_classified & keep,
            "for a human": is_classified & ~keep,
        },
        threshold=training_features.threshold,
        n_all=counts["galaxies"],
    )


def _cutouts(
    cutouts: survey.SurveyCutouts, cataids: pd.Series
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Row and cut-out of galaxies, one at a time, in the order of their archives."""
    rows = dict(zip(cataids.tolist(), cataids.index.tolist(), strict=True))
    return ((rows[cataid], cutout.pixels) for cataid, cutout in cutouts.each(list(rows)))


def write_survey_report(
    counts: dict[str, Any],
    class_shares: pd.DataFrame,
    shifts: pd.DataFrame,
    survey_summary: dict[str, Any],
    summary_section: str,
    gallery_section: str,
    class_shares_picture: bytes,
    probabilities: bytes,
    notable: bytes,
    shifts_picture: bytes,
    instructive: bytes,
) -> str:
    """Write the page on the survey.

    Args:
        counts: Of the catalogue.
        class_shares: A row for each method and class.
        shifts: A row per quantity.
        survey_summary: With the reasons why galaxies were rejected.
        summary_section: HTML.
        gallery_section: HTML.
        class_shares_picture: Picture of the shares.
        probabilities: Picture of the probabilities beside those of labelled galaxies.
        notable: Picture of the galaxies that stand out.
        shifts_picture: Picture of sky, noise and sizes beside those of the training galaxies.
        instructive: Picture of galaxies worth a label.

    Returns:
        A page of HTML.
    """
    return report.page(
        f"A survey of {counts['galaxies']:,} galaxies",
        [
            summary_section,
            gallery_section,
            _classes_section(counts, class_shares, class_shares_picture, probabilities),
            report.section(
                "The survey beside the training galaxies",
                [
                    report.Picture(
                        shifts_picture,
                        "Sky, noise and sizes",
                        "Random galaxies of the survey and of the training galaxies. Where they "
                        "differ, it has not been tested how often the classifier is right.",
                    )
                ],
                [
                    report.Table(
                        _rounded(shifts),
                        "Differences",
                        "The distance is that of Kolmogorov and Smirnov: 0 where distributions "
                        "are the same, 1 where they have nothing in common.",
                    )
                ],
            ),
            report.section(
                "Galaxies that stand out",
                [
                    report.Picture(
                        notable,
                        "Most certain, least certain, most unlike",
                        "Of each predicted class the most certain, the least certain, and those "
                        "whose last features lie farthest from all training galaxies. Look for "
                        "stars, artefacts and damaged pictures among the most unlike.",
                    ),
                    report.Picture(
                        instructive,
                        "Galaxies worth a label",
                        "The classifier would learn most from these: it is uncertain of them, and "
                        "they are unlike each other. Fill in their labels in to_label.csv.",
                    ),
                ],
            ),
            _read_section(counts, survey_summary),
        ],
        simulated=bool(counts["simulated"]),
    )


def _classes_section(
    counts: dict[str, Any], class_shares: pd.DataFrame, shares_picture: bytes, probabilities: bytes
) -> str:
    by_method = pd.DataFrame(
        {
            method: {one["class_name"]: format_score(one, "share") for one in of_method}
            for method, of_method in _by_method(class_shares).items()
        }
    )
    by_class = pd.DataFrame(counts["classes"]).T.rename(columns={"kept": "certain enough"})
    table = by_class.join(by_method).rename_axis("class").reset_index()
    return report.section(
        "How frequent the classes are",
        [
            report.Picture(
                shares_picture,
                "Share of each class",
                "Counts of predicted classes are biased where the mix of classes differs from "
                "that of the labelled galaxies. The corrected shares allow for that, as long as "
                "galaxies of a class look as the labelled ones do.",
            ),
            report.Picture(
                probabilities,
                "Probabilities",
                "Where the survey has more galaxies in the middle than the labelled ones, the "
                "classifier is less certain of it.",
            ),
        ],
        [report.Table(table, "Classes", "Shares with their intervals, by method.")],
    )


def _read_section(counts: dict[str, Any], survey_summary: dict[str, Any]) -> str:
    whole = {name: counts[name] for name in counts if isinstance(counts[name], int)}
    whole.pop("simulated")
    words = {"galaxies": "read", "keep": "certain enough to be used without a human"} | SAYS
    nameless = survey_summary["without_identifier"]
    tables = [
        report.Table(
            pd.DataFrame(
                [(words.get(name, name), count) for name, count in whole.items()],
                columns=["galaxies", "number"],
            ),
            "Galaxies",
            "Those that were read, and how many of them have which flag.",
        ),
        report.Table(
            pd.DataFrame(survey_summary["rejected"].items(), columns=["reason", "galaxies"]),
            "Why galaxies were rejected",
            "They are in the catalogue, with the reason and without a class.",
        ),
    ]
    if nameless:
        tables.append(
            report.Table(
                pd.DataFrame(nameless.items(), columns=["archive", "example"]),
                "Images without an identifier",
                "Nobody knows whose they are, so they are not in the catalogue: "
                f"{survey_summary['galaxies']['without_identifier']:,} in all.",
            )
        )
    return report.section("What was read", tables=tables)


def _by_method(class_shares: pd.DataFrame) -> dict[str, list[dict[Any, Any]]]:
    known = class_shares.astype(object).where(class_shares.notna(), None)
    return {
        str(method): some.to_dict("records") for method, some in known.groupby("method", sort=False)
    }


def _rounded(shifts: pd.DataFrame) -> pd.DataFrame:
    numbers = shifts.select_dtypes("float").columns
    rounded = shifts.assign(**{name: shifts[name].map("{:.3g}".format) for name in numbers})
    rounded["quantity"] = rounded["quantity"].str.replace("_", " ")
    return rounded.drop(columns="simulated").rename(columns=lambda name: name.replace("_", " "))


def page_nodes() -> list[Node]:
    """From what the catalogue says to the page on the survey."""
    return [
        Node(
            write_summary,
            inputs=[
                "counts",
                "class_shares",
                "shifts",
                "survey_summary",
                "to_label",
                "galaxies",
                "calibration",
                "params:classification",
                "params:evaluation",
                "params:survey_results",
                "params:survey",
            ],
            outputs="survey_summary_section",
            name="write_summary",
        ),
        Node(
            write_gallery,
            inputs=[
                "worth_showing",
                "sample",
                "instructive_galaxies",
                "survey_cutouts",
                "training_features",
                "counts",
                "params:classes",
            ],
            outputs="survey_gallery_section",
            name="write_gallery",
        ),
        Node(
            write_survey_report,
            inputs=[
                "counts",
                "class_shares",
                "shifts",
                "survey_summary",
                "survey_summary_section",
                "survey_gallery_section",
                "class_shares_figure",
                "probabilities_figure",
                "notable_galaxies_figure",
                "shifts_figure",
                "instructive_galaxies_figure",
            ],
            outputs="survey_report",
            name="write_survey_report",
        ),
    ]
