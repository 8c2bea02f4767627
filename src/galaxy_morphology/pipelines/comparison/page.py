"""The page on a comparison."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from galaxy_morphology import report
from galaxy_morphology.pipelines.comparison.nodes import ENSEMBLE
from galaxy_morphology.pipelines.comparison.options import ComparisonOptions
from galaxy_morphology.report.charts import MEASURES
from galaxy_morphology.words import format_difference, format_score


def write_comparison_page(
    comparison: pd.DataFrame,
    comparison_summary: pd.DataFrame,
    conclusion: dict[str, Any],
    picture: bytes,
    options: ComparisonOptions,
) -> str:
    """Write the page on all that was compared.

    Args:
        comparison: A row per entry and seed.
        comparison_summary: A row per entry.
        conclusion: What it comes to.
        picture: Of the scores.
        options: With the reference.

    Returns:
        A page of HTML.
    """
    averaged = comparison["seed"] == ENSEMBLE
    shown = comparison[averaged] if averaged.any() else comparison
    return report.page(
        f"{conclusion['n_entries']} classifiers on the same galaxies",
        [
            report.conclusion(conclusion),
            _scores(comparison, shown, comparison_summary, picture, options.reference),
            _differences(shown, options.reference),
            _costs(comparison_summary),
        ],
        simulated=conclusion["simulated"],
    )


def _scores(
    comparison: pd.DataFrame,
    shown: pd.DataFrame,
    summary: pd.DataFrame,
    picture: bytes,
    reference: str,
) -> str:
    several = bool((summary["n_seeds"] > 1).any())
    tables = [
        report.Table(
            pd.DataFrame({"classifier": _names(shown), **_in_words(shown, "", format_score)}),
            "Scores with their intervals",
            ("The probabilities of all seeds averaged. " if several else "")
            + "The lower a Brier score, the better.",
        )
    ]
    if several:
        of_seeds = {
            title: [
                f"{mean:.3f} ± {spread:.3f}"
                for mean, spread in zip(summary[measure], summary[f"{measure}_spread"], strict=True)
            ]
            for measure, title in MEASURES.items()
        }
        tables.append(
            report.Table(
                pd.DataFrame({"classifier": _names(summary), **of_seeds}),
                "Scores of single seeds",
                "Mean and standard deviation over the seeds. The same training with another seed "
                "differs about so much.",
            )
        )
    return report.section(
        "Scores",
        [
            report.Picture(
                picture,
                "Scores of all classifiers",
                "Points are scores, bars their intervals, and the dotted line goes through "
                f"{reference.replace('_', ' ')}, the reference. Bars that overlap do not tell "
                "whether classifiers differ: their differences do. The lower a Brier score, the "
                "better. A baseline is named by what it sees, colour, shape or both."
                + (" The ensemble averages the probabilities of all seeds." if several else ""),
                report.charts.compared_scores(comparison, reference, ensemble=ENSEMBLE),
            )
        ],
        tables,
    )


def _differences(shown: pd.DataFrame, reference: str) -> str:
    others = shown[shown["entry"] != reference]
    name = reference.replace("_", " ")
    rows = {
        "classifier": _names(others),
        **_in_words(others, "_difference", format_difference),
    }
    differences = report.Table(
        pd.DataFrame(rows),
        f"Differences from {name}",
        "Paired: galaxies that are easy or hard for both cancel. Where an interval holds 0, the "
        "difference may be chance. The lower a Brier score, the better.",
    )
    counts = {
        "classifier": _names(others),
        "only it is right": others["only_this_right"],
        f"only {name} is right": others["only_reference_right"],
        "McNemar's p": others["mcnemar_p"].map("{:.2g}".format),
    }
    lone = report.Table(
        pd.DataFrame(counts),
        "Galaxies that only one of both classifies correctly",
        "McNemar's p is the probability of numbers as uneven as these if neither were better.",
    )
    return report.section("Differences", tables=[differences, lone])


def _costs(summary: pd.DataFrame) -> str:
    weights = summary["n_weights"]
    rows = {
        "classifier": _names(summary),
        "weights": weights.map("{:,.0f}".format).where(weights > 0, ""),
        "training, s": summary["training_seconds"].map("{:,.1f}".format),
        "galaxies per second": summary["galaxies_per_second"].map("{:,.0f}".format),
    }
    table = report.Table(
        pd.DataFrame(rows),
        "What each takes",
        "Means over seeds, on the machine of the run. Training includes the tuning of a baseline; "
        "the galaxies per second of a baseline do not include the time to measure them.",
    )
    return report.section("Costs", tables=[table])


def _names(table: pd.DataFrame) -> pd.Series:
    return table["entry"].str.replace("_", " ")


def _in_words(
    table: pd.DataFrame, kind: str, words: Callable[[dict[str, Any]], str]
) -> dict[str, list[str]]:
    """Every measure with its interval, by its title; or of every one the difference."""
    known = table.astype(object).where(table.notna(), None)
    return {
        title: [
            words({"value": value, "low": low, "high": high})
            for value, low, high in known[
                [f"{measure}{kind}", f"{measure}{kind}_low", f"{measure}{kind}_high"]
            ].itertuples(index=False)
        ]
        for measure, title in MEASURES.items()
    }
