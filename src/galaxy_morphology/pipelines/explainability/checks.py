"""Nodes that measure explanations, after those that make them."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology import attribution, evaluation, figures, morphology, report
from galaxy_morphology.options import (
    Classes,
    EvaluationOptions,
    ExplanationOptions,
    PredictionOptions,
)
from galaxy_morphology.pipelines.explainability.options import CheckOptions
from galaxy_morphology.typing import Figure, Images, KerasModel, NetworkImages
from galaxy_morphology.views import mean_over_views

Attributions = dict[str, NDArray[Any]]


def segment_cutouts(cutouts: Images) -> NDArray[np.uint8]:
    """Tell galaxies from sky and neighbours.

    Args:
        cutouts: uint8 [n, height, width, 3], RGB.

    Returns:
        uint8 [n, height, width]: 0 sky, 1 target, 2 neighbours.
    """
    return np.stack([morphology.segment(cutout) for cutout in cutouts])


def measure_faithfulness(
    classifier: KerasModel,
    cutouts: NetworkImages,
    explained_galaxies: pd.DataFrame,
    attributions: Attributions,
    classes: Classes,
    prediction: PredictionOptions,
    options: CheckOptions,
) -> tuple[pd.DataFrame, Attributions]:
    """Hide and show what maps find important: those of every method, and of controls.

    Args:
        classifier: The network that is explained.
        cutouts: uint8 [n, height, width, 3], RGB, or float16 [n, height, width, bands].
        explained_galaxies: A row per cut-out.
        attributions: Maps by method.
        classes: The classes in order.
        prediction: Of how many views the mean is explained.
        options: Cells and steps of the curves, and what is hidden with.

    Returns:
        A row per galaxy and method with the areas under both curves and the probability that
        is left when all is hidden, and the curves. A control of each method are its maps of
        other galaxies, ``<method>_of_another``.
    """
    classifier = mean_over_views(classifier, prediction.views)
    codes = evaluation.class_codes(explained_galaxies["predicted_class"], classes.names)
    of_methods = _maps_of_methods(attributions)
    of_others = {
        f"{name}_of_another": attribution.maps_of_others(maps) for name, maps in of_methods.items()
    }
    controls = attribution.control_maps(cutouts, options.seed)
    tables: list[pd.DataFrame] = []
    curves: Attributions = {}
    for name, maps in (of_methods | controls | of_others).items():
        found = attribution.deletion_and_insertion(
            classifier,
            cutouts,
            maps,
            codes,
            steps=options.steps,
            cells=options.cells,
            n_skies=options.n_skies,
            hide_with=options.hide_with,
            seed=options.seed,
        )
        curves |= {
            "shares": found.shares,
            f"{name}_deletion": found.deletion,
            f"{name}_insertion": found.insertion,
        }
        areas = {
            "deletion_area": found.deletion_area,
            "insertion_area": found.insertion_area,
            "empty_probability": found.insertion[:, 0],
        }
        tables.append(_table(explained_galaxies, name, areas))
    table = pd.concat(tables, ignore_index=True)
    table["faithfulness"] = table["insertion_area"] - table["deletion_area"]
    return table, curves


def measure_place(
    cutouts: NetworkImages,
    explained_galaxies: pd.DataFrame,
    attributions: Attributions,
    segmentation: NDArray[np.uint8],
    options: CheckOptions,
) -> pd.DataFrame:
    """Find where the attribution lies: on the galaxy, its neighbours or the sky.

    Args:
        cutouts: uint8 [n, height, width, 3], RGB, or float16 [n, height, width, bands].
        explained_galaxies: A row per map.
        attributions: Maps by method.
        segmentation: uint8 [n, height, width].
        options: With the seed of the controls.

    Returns:
        A row per galaxy and method, those of the controls included.
    """
    of_methods = _maps_of_methods(attributions)
    tables = []
    for name, maps in (of_methods | attribution.control_maps(cutouts, options.seed)).items():
        shares = attribution.shares_by_part(maps, segmentation)
        renamed = {
            part if part.endswith("_area") else f"{part}_share": values
            for part, values in shares.items()
        }
        pointing = {"pointing": attribution.pointing_game(maps, segmentation)}
        tables.append(_table(explained_galaxies, name, renamed | pointing))
    return pd.concat(tables, ignore_index=True)


def measure_stability(
    classifier: KerasModel,
    cutouts: NetworkImages,
    explained_galaxies: pd.DataFrame,
    classes: Classes,
    prediction: PredictionOptions,
    options: CheckOptions,
    explanations: ExplanationOptions,
) -> pd.DataFrame:
    """Explain some galaxies turned, mirrored, with more noise, and with other seeds.

    Args:
        classifier: The network that is explained.
        cutouts: uint8 [n, height, width, 3], RGB, or float16 [n, height, width, bands].
        explained_galaxies: A row per cut-out.
        classes: The classes in order.
        prediction: Of how many views the mean is explained.
        options: How many galaxies, the scale of the comparison, and seeds.
        explanations: Which methods, and how they explain again.

    Returns:
        A row per galaxy and method: mean rank correlation with the maps of ``turned`` galaxies
        and that with more ``noise``; ``top_overlap`` of the strongest cells with other seeds.
    """
    classifier = mean_over_views(classifier, prediction.views)
    rows = _measured_rows(explained_galaxies, options.n_changed)
    some, galaxies = cutouts[rows], explained_galaxies.iloc[rows]
    codes = evaluation.class_codes(galaxies["predicted_class"], classes.names)
    tables = []
    for name, explain in explanations.explainers(again=True).items():
        # Maps are compared with some of equal effort, not with those of more samples or steps.
        maps = explain(classifier, some, codes)
        reseeded = [
            attribution.explainer(name, **explanations.again[name] | {"seed": seed})(
                classifier, some, codes
            )
            for seed in options.seeds
        ]
        arguments = (explain, classifier, some, codes, maps)
        measures = {
            "turned": attribution.agreement_when_turned(*arguments, cells=options.cells),
            "noise": attribution.agreement_under_noise(
                *arguments, seed=options.seed, cells=options.cells
            ),
            "top_overlap": attribution.overlap_of_seeds(
                [maps, *reseeded], n_top=options.n_top, cells=options.cells
            ),
        }
        tables.append(_table(galaxies, name, measures))
    return pd.concat(tables, ignore_index=True)


def check_sanity(
    classifier: KerasModel,
    cutouts: NetworkImages,
    explained_galaxies: pd.DataFrame,
    classes: Classes,
    prediction: PredictionOptions,
    options: CheckOptions,
    explanations: ExplanationOptions,
) -> pd.DataFrame:
    """Let the network forget what it learned, layer by layer, and see whether maps change.

    Args:
        classifier: The network that is explained.
        cutouts: uint8 [n, height, width, 3], RGB, or float16 [n, height, width, bands].
        explained_galaxies: A row per cut-out.
        classes: The classes in order.
        prediction: Of how many views the mean is explained.
        options: How many galaxies, the scale of the comparison, and the seed.
        explanations: Which methods, and how they explain again.

    Returns:
        A row per method, depth and galaxy: rank correlation with the map of the network as it is,
        of signed and of absolute values.
    """
    classifier = mean_over_views(classifier, prediction.views)
    rows = _measured_rows(explained_galaxies, options.n_randomised)
    some, galaxies = cutouts[rows], explained_galaxies.iloc[rows]
    codes = evaluation.class_codes(galaxies["predicted_class"], classes.names)
    tables = []
    for name, explain in explanations.explainers(again=True).items():
        maps = explain(classifier, some, codes)
        table = attribution.agreement_after_randomising(
            explain, classifier, some, codes, maps, seed=options.seed, cells=options.cells
        )
        table["cataid"] = galaxies["cataid"].to_numpy()[table["index"]]
        table["simulated"] = galaxies["simulated"].to_numpy()[table["index"]]
        tables.append(table.drop(columns="index").assign(method=name))
    return pd.concat(tables, ignore_index=True)


def measure_agreement(
    explained_galaxies: pd.DataFrame, attributions: Attributions, options: CheckOptions
) -> pd.DataFrame:
    """Compare the maps of every two methods.

    Args:
        explained_galaxies: A row per map.
        attributions: Maps by method.
        options: Scale of the comparison.

    Returns:
        A row per galaxy drawn by lot and pair of methods, with their rank correlation.
    """
    rows = np.flatnonzero(explained_galaxies["measured"])
    known = explained_galaxies.iloc[rows][["cataid", "simulated", "correct"]]
    methods = list(_maps_of_methods(attributions))
    nothing = known.iloc[:0].assign(one="", other="", rank_correlation=0.0)
    tables = [
        known.assign(
            one=one,
            other=other,
            rank_correlation=attribution.rank_correlation(
                attributions[one][rows], attributions[other][rows], cells=options.cells
            ),
        )
        for one, other in combinations(methods, 2)
    ]
    return pd.concat(tables, ignore_index=True) if tables else nothing


def collect_quality(
    attribution_reliability: pd.DataFrame,
    faithfulness: pd.DataFrame,
    place: pd.DataFrame,
    stability: pd.DataFrame,
    explanation_sanity: pd.DataFrame,
    explained_galaxies: pd.DataFrame,
    options: EvaluationOptions,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put all measures of every map together, and summarise them.

    Args:
        attribution_reliability: What the methods say of themselves.
        faithfulness: Areas under deletion and insertion curves.
        place: Where the attribution lies.
        stability: Agreement with maps of changed galaxies.
        explanation_sanity: Agreement with maps of a network that forgot what it learned.
        explained_galaxies: Which galaxies were classified correctly, and drawn by lot.
        options: Level of the intervals.

    Returns:
        A row per galaxy and method, and a row per measure, method and group of galaxies (all,
        correct, wrong, each class) with the mean and its interval. The summary is of the
        galaxies drawn by lot alone.
    """
    keys = ["cataid", "simulated", "method"]
    forgot_all = explanation_sanity["depth"] == explanation_sanity["depth"].max()
    agreements = {
        "rank_correlation": "randomised",
        "rank_correlation_absolute": "randomised_absolute",
    }
    randomised = explanation_sanity.loc[forgot_all, [*keys, *agreements]].rename(columns=agreements)
    reliability = attribution_reliability.drop(columns=["title", "note"])
    quality = faithfulness
    for table in (place, stability, randomised, reliability):
        quality = quality.merge(table, on=keys, how="left", validate="1:1")
    of_galaxies = explained_galaxies[["cataid", "class_name", "correct", "measured"]]
    quality = quality.merge(of_galaxies, on="cataid", validate="m:1")
    return quality, evaluation.summarise_quality(quality, confidence=options.confidence)


def draw_explanations(
    cutouts: Images,
    explained_galaxies: pd.DataFrame,
    attributions: dict[str, NDArray[Any]],
    attribution_reliability: pd.DataFrame,
    explanation_quality: pd.DataFrame,
    segmentation: NDArray[np.uint8],
) -> tuple[Figure, dict[str, Figure], dict[str, Figure]]:
    """Draw the maps over the galaxies.

    Args:
        cutouts: uint8 [n, height, width, 3], RGB.
        explained_galaxies: A row per cut-out.
        attributions: Maps by method.
        attribution_reliability: A row per galaxy and method, with its title and note.
        explanation_quality: A row per galaxy and method.
        segmentation: uint8 [n, height, width]: sky, target and neighbours.

    Returns:
        A galaxy of each group on one page; a page for each group, and sheets for each method, by
        the names of their files. Where a method tells bands apart, a page for each group more.
    """
    rows = np.flatnonzero(explained_galaxies["drawn"])
    drawn = explained_galaxies.iloc[rows].reset_index(drop=True)
    titles = attribution.titles_of(attribution_reliability)
    maps = {name: attributions[name][rows] for name in titles}
    notes = _notes(drawn, attribution_reliability, explanation_quality)
    what = (cutouts[rows], drawn, maps, titles, notes, segmentation[rows])
    sheets = figures.attribution_sheets(*what)
    for name, title in titles.items():
        by_band = {band: some[rows] for band, some in _maps_of_bands(attributions, name).items()}
        if by_band:
            sheets |= _sheets_by_band(name, title, by_band, cutouts[rows], drawn)
    return (
        figures.explanation_overview(*what),
        _named_files(figures.explanation_pages(*what)),
        _named_files(sheets),
    )


def draw_checks(
    explanation_quality: pd.DataFrame,
    explanation_summary: pd.DataFrame,
    faithfulness_curves: Attributions,
    explanation_sanity: pd.DataFrame,
    explanation_agreement: pd.DataFrame,
    attribution_reliability: pd.DataFrame,
    explained_galaxies: pd.DataFrame,
) -> tuple[Figure, Figure, Figure, Figure, Figure, Figure]:
    """Draw what was measured, a figure for each question.

    Args:
        explanation_quality: A row per galaxy and method.
        explanation_summary: A row per measure, method and group.
        faithfulness_curves: Deletion and insertion curves by method.
        explanation_sanity: A row per method, depth and galaxy.
        explanation_agreement: A row per galaxy and pair of methods.
        attribution_reliability: With the titles of the methods.
        explained_galaxies: Which of them were drawn by lot.

    Returns:
        Faithfulness, reliability of the methods, place, stability, sanity, agreement.
    """
    titles = attribution.titles_of(attribution_reliability)
    rows = explained_galaxies["measured"].to_numpy()
    curves = {
        name: values if name == "shares" else values[rows]
        for name, values in faithfulness_curves.items()
    }
    measured = explanation_quality[explanation_quality["measured"]]
    of_method = explanation_sanity.groupby("method")
    passed = {name: attribution.passes(of_method.get_group(name)) for name in titles}
    return (
        figures.faithfulness(curves, explanation_summary, titles),
        figures.reliability(measured, titles),
        figures.place(measured, explanation_summary, titles),
        figures.stability(measured, explanation_summary, titles),
        figures.sanity(explanation_sanity, titles, passed, most_alike=attribution.MOST_ALIKE),
        figures.agreement(explanation_agreement, titles),
    )


def write_explainability_section(
    explanations: bytes,
    pages: dict[str, bytes],
    sheets: dict[str, bytes],
    faithfulness: bytes,
    reliability: bytes,
    place: bytes,
    stability: bytes,
    sanity: bytes,
    agreement: bytes,
    explained_galaxies: pd.DataFrame,
    attributions: Attributions,
    attribution_reliability: pd.DataFrame,
    explanation_quality: pd.DataFrame,
    explanation_summary: pd.DataFrame,
) -> str:
    """Lay out the explanations and how far to trust them, for the report.

    Args:
        explanations: Picture of a galaxy of each group, and its maps.
        pages: Pictures of more galaxies of each group, by the names of their files.
        sheets: Pictures of one galaxy after the other by each method, likewise.
        faithfulness: Picture of deletion and insertion curves.
        reliability: Picture of what the methods say of themselves.
        place: Picture of where the attribution lies.
        stability: Picture of the agreement with maps of changed galaxies.
        sanity: Picture of the agreement with a network that forgot what it learned.
        agreement: Picture of the agreement of the methods.
        explained_galaxies: A row per map.
        attributions: Maps by method.
        attribution_reliability: With the titles of the methods, and their notes.
        explanation_quality: A row per galaxy and method.
        explanation_summary: A row per measure, method and group.

    Returns:
        A section of HTML, and the maps for the pages of the galaxies.
    """
    maps = report.explanations(
        _explanations(
            explained_galaxies, attributions, attribution_reliability, explanation_quality
        )
    )
    return maps + report.section(
        "Explanations",
        [
            report.Picture(
                explanations,
                "What the classification went by",
                "A galaxy of each class, classified correctly and wrongly. Red spoke for the "
                "predicted class, blue against it. More galaxies with maps are in the gallery.",
            ),
            report.Picture(
                faithfulness,
                "Faithfulness",
                "Whether the classification hangs on what a map ranks first. A method is worth "
                "something where its gains over the controls lie above 0.",
            ),
            report.Picture(
                reliability,
                "What the methods say of themselves",
                "How far a map misses the difference in logit that it explains, and how well "
                "the linear model of LIME fits.",
            ),
            report.Picture(
                place,
                "Where the attribution lies",
                "The share of each map that lies on the galaxy, its neighbours and the sky.",
            ),
            report.Picture(
                stability,
                "Stability",
                "Whether a map stays as it is when the galaxy is turned, the sky noisier, or "
                "the method started from other seeds. 1 is the same map.",
            ),
            report.Picture(
                sanity,
                "Test of forgetting",
                "A map that stays the same when the network forgets what it learned does not "
                "explain the network.",
            ),
            report.Picture(
                agreement,
                "Agreement of the methods",
                "What only one method shows may be the doing of the method.",
            ),
        ],
        lead=_which_to_trust(explanation_summary, attribution.titles_of(attribution_reliability)),
        more=[
            report.Picture(
                png,
                name.removesuffix(".png").replace("_", " ").capitalize(),
                "Red spoke for the predicted class, blue against it.",
            )
            for name, png in (pages | sheets).items()
        ],
    )


def _maps_of_methods(attributions: Attributions) -> Attributions:
    """Maps by method, without those of single bands."""
    return {
        name: maps for name, maps in attributions.items() if name != "cataid" and "/" not in name
    }


def _maps_of_bands(attributions: Attributions, method: str) -> Attributions:
    """Maps of a method by band, none where it does not tell bands apart."""
    first = f"{method}/"
    return {
        name.removeprefix(first): maps
        for name, maps in attributions.items()
        if name.startswith(first)
    }


def _sheets_by_band(
    method: str, title: str, by_band: Attributions, cutouts: Images, drawn: pd.DataFrame
) -> dict[str, Figure]:
    """The maps of each band side by side, with what the bands add to the logit."""
    titles = {band: f"{title}, {band}" for band in by_band}
    added = np.stack([maps.sum(axis=(1, 2)) for maps in by_band.values()])
    strength = np.stack([np.abs(maps).sum(axis=(1, 2)) for maps in by_band.values()])
    shares = strength / np.maximum(strength.sum(axis=0), np.finfo(float).tiny)
    notes = pd.DataFrame(
        {
            band: [f"{one:+.2f} logits\n{share:.0%} of the attribution"
                   for one, share in zip(*of_band, strict=True)]
            for band, of_band in zip(by_band, zip(added, shares, strict=True), strict=True)
        }
    )  # fmt: skip
    pages = figures.explanation_pages(cutouts, drawn, by_band, titles, notes)
    return {f"{method}_by_band_{group}": page for group, page in pages.items()}


def _which_to_trust(explanation_summary: pd.DataFrame, titles: dict[str, str]) -> str:
    """Which methods have maps that are surely more faithful than those of every control."""
    of_all = explanation_summary[explanation_summary["group"] == "all"]
    gains = of_all[of_all["measure"].str.startswith("faithfulness_over_")]
    least = gains.groupby("method")["low"].min()
    passed = [title for name, title in titles.items() if least.get(name, -1.0) > 0]
    failed = [title for title in titles.values() if title not in passed]
    if not passed:
        return "The maps of no method are surely more faithful than those of every control."
    others = f" Those by {', '.join(failed)} are not surely so." if failed else ""
    return f"Maps by {', '.join(passed)} are more faithful than those of every control.{others}"


def _explanations(
    explained_galaxies: pd.DataFrame,
    attributions: Attributions,
    attribution_reliability: pd.DataFrame,
    explanation_quality: pd.DataFrame,
) -> dict[Any, list[report.Explanation]]:
    """What every method says of each galaxy."""
    titles = attribution.titles_of(attribution_reliability)
    notes = _notes(explained_galaxies, attribution_reliability, explanation_quality)
    return {
        cataid: [
            report.Explanation(
                title, figures.overlay(attributions[name][row]), notes[name].iloc[row]
            )
            for name, title in titles.items()
        ]
        for row, cataid in enumerate(explained_galaxies["cataid"])
    }


def _notes(
    galaxies: pd.DataFrame, attribution_reliability: pd.DataFrame, explanation_quality: pd.DataFrame
) -> pd.DataFrame:
    """How far to trust the map of each galaxy, a row, by each method, a column."""
    quality = attribution_reliability[["cataid", "method", "note"]].merge(
        explanation_quality[["cataid", "method", "faithfulness", "target_share"]],
        on=["cataid", "method"],
    )
    return pd.DataFrame(
        {
            name: figures.reliability_notes(
                quality[quality["method"] == name].set_index("cataid").loc[galaxies["cataid"]]
            )
            for name in attribution.titles_of(attribution_reliability)
        }
    )


def _measured_rows(explained_galaxies: pd.DataFrame, n: int) -> NDArray[np.int_]:
    """Rows of up to n galaxies drawn by lot, spread over them."""
    rows = np.flatnonzero(explained_galaxies["measured"])
    places = np.linspace(0, len(rows) - 1, min(n, len(rows))).round().astype(int)
    return np.asarray(rows[np.unique(places)], np.int_)


def _table(
    explained_galaxies: pd.DataFrame, method: str, measures: dict[str, NDArray[Any]]
) -> pd.DataFrame:
    known = explained_galaxies[["cataid", "simulated"]].reset_index(drop=True)
    return known.assign(method=method, **measures)


def _named_files(pages: dict[str, Figure]) -> dict[str, Figure]:
    return {f"{name}.png": figure for name, figure in pages.items()}
