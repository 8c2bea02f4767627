"""The galaxies of a run to look through: their pictures, and all that is known of each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.report.pictures import base64, cutout_files, cutout_files_by_row, webp
from galaxy_morphology.report.rendering import render
from galaxy_morphology.typing import Images

MOST_GALAXIES = 6000
BYTES_OF_CUTOUTS = 6_000_000
DIGITS = 4
OVERLAY_QUALITY = 70


def gallery(
    images: Images,
    galaxies: pd.DataFrame,
    class_names: Sequence[str],
    *,
    split: str,
    features: pd.DataFrame,
    flags: Mapping[str, str],
    neighbours: pd.DataFrame,
    most: int = MOST_GALAXIES,
) -> str:
    """A section in which a person filters, sorts and searches galaxies, and opens them.

    Where there are more galaxies than fit, shown are first those of the split that was scored and
    the suspects, then others, evenly spread.

    Args:
        images: uint8 [N, height, width, 3], RGB.
        galaxies: A row per image: ``cataid``, ``split``, ``class_name``, ``predicted_class``,
            ``probability_<class>``, ``suspected``, ``suggested_class``, ``label_quality``, and the
            columns of the flags.
        class_names: The classes in order.
        split: The split to show first.
        features: Numbers measured on the same galaxies, [N, features], some missing.
        flags: What to say where a column of ``galaxies`` is true, by its name.
        neighbours: A row per galaxy and similar training galaxy, the most similar first:
            ``cataid``, ``neighbour`` and ``distance``.
        most: Galaxies to show.

    Returns:
        A section of HTML, alive in a page from :func:`page`.
    """
    rows = _shown(galaxies, split, most)
    shown = galaxies.iloc[rows].reset_index(drop=True)
    data = {
        "classes": list(class_names),
        "splits": _splits(shown),
        "scored": split,
        "cataid": [str(cataid) for cataid in shown["cataid"]],
        "split": _codes(shown["split"], _splits(shown)),
        "label": _codes(shown["class_name"], class_names),
        "predicted": _codes(shown["predicted_class"], class_names),
        "suggested": _codes(shown["suggested_class"], class_names),
        "doubted": {"says": "a label to doubt", "galaxies": _places(shown["suspected"])},
        "quality": _numbers(shown["label_quality"]),
        "probability": [_numbers(shown[f"probability_{name}"]) for name in class_names],
        "flags": [_tag(column, says, shown[column]) for column, says in flags.items()],
        "groups": [],
        "facts": [],
        "features": [
            {"name": str(name).replace("_", " "), "values": _numbers(features[name].iloc[rows])}
            for name in features
        ],
        "neighbours": _neighbours(shown["cataid"], neighbours),
    }
    return render(
        "labelled_gallery.html.j2",
        data=data,
        cutouts=cutout_files(images[rows], budget=BYTES_OF_CUTOUTS),
        n_shown=len(rows),
        n_all=len(galaxies),
    )


def survey_gallery(
    cutouts: Iterable[tuple[int, NDArray[np.uint8]]],
    galaxies: pd.DataFrame,
    class_names: Sequence[str],
    *,
    flags: Mapping[str, NDArray[np.bool_]],
    groups: Mapping[str, NDArray[np.bool_]],
    threshold: float,
    n_all: int,
) -> str:
    """The same section for galaxies that nobody has labelled.

    Args:
        cutouts: Row and cut-out, uint8 [height, width, 3], RGB, of those that have one, in
            whichever order; one at a time is looked at.
        galaxies: A row for each galaxy to show: ``cataid``, ``ra`` and ``dec`` in degrees,
            ``predicted_class``, ``probability_<class>``, ``distance``, ``unlike_training``,
            ``duplicate_of``, ``rejected`` and ``file``, missing where not known.
        class_names: The classes in order.
        flags: What is the matter with which galaxies, bool [N], by what to say of them.
        groups: Why which galaxies are shown, in the same way.
        threshold: The ``distance`` from which galaxies are ``unlike_training``.
        n_all: How many galaxies there are, shown or not.

    Returns:
        A section of HTML, alive in a page from :func:`page`.
    """
    unlike = galaxies["unlike_training"].astype(bool)
    data = {
        "classes": list(class_names),
        "cataid": [str(cataid) for cataid in galaxies["cataid"]],
        "predicted": _codes(galaxies["predicted_class"], class_names),
        "doubted": {"says": "unlike the training galaxies", "galaxies": _places(unlike)},
        "probability": [_numbers(galaxies[f"probability_{name}"]) for name in class_names],
        "distance": _numbers(galaxies["distance"]),
        "flags": _tags(flags),
        "groups": _tags(groups),
        "facts": [
            {"term": term, "values": _texts(galaxies, columns, words)}
            for term, columns, words in (
                ("Reason", ["rejected"], "{}"),
                ("Distance", ["distance"],
                 f"{{:.3g}} from the training galaxies; unlike them beyond {threshold:.3g}"),
                ("Position", ["ra", "dec"], "{:.5f}°, {:+.5f}° (right ascension, declination)"),
                ("Same pixels as", ["duplicate_of"], "CATAID {}"),
                ("File", ["file"], "{}"),
            )
        ],
        "features": [],
        "neighbours": [],
    }  # fmt: skip
    return render(
        "survey_gallery.html.j2",
        data=data,
        cutouts=cutout_files_by_row(cutouts, len(galaxies), budget=BYTES_OF_CUTOUTS),
        n_shown=len(galaxies),
        n_all=n_all,
    )


class Explanation(NamedTuple):
    """What a method says of a galaxy.

    Attributes:
        title: Of the method.
        overlay: The map, to lay over the cut-out: uint8 [height, width, 4], RGBA.
        notes: How far to trust it.
    """

    title: str
    overlay: NDArray[np.uint8]
    notes: str


def explanations(galaxies: Mapping[Any, Sequence[Explanation]]) -> str:
    """Maps for the pages that the galaxies of a :func:`gallery` have.

    Args:
        galaxies: Explanations by CATAID.

    Returns:
        HTML that shows nothing by itself.
    """
    titles = list(dict.fromkeys(one.title for some in galaxies.values() for one in some))
    maps = {
        str(cataid): [
            [titles.index(one.title), one.notes, base64(webp(one.overlay, quality=OVERLAY_QUALITY))]
            for one in some
        ]
        for cataid, some in galaxies.items()
    }
    return render("explanations.html.j2", data={"titles": titles, "maps": maps})


def _shown(galaxies: pd.DataFrame, split: str, most: int) -> NDArray[np.int_]:
    """Rows of at most so many galaxies, in their order."""
    is_first = (galaxies["split"] == split).to_numpy()
    is_second = galaxies["suspected"].to_numpy(bool) & ~is_first
    rows = np.empty(0, int)
    for part in (is_first, is_second, ~is_first & ~is_second):
        candidates = np.flatnonzero(part)
        room = min(most - len(rows), len(candidates))
        places = np.linspace(0, max(len(candidates) - 1, 0), room).astype(int)
        rows = np.append(rows, candidates[places])
    return np.sort(rows)


def _splits(galaxies: pd.DataFrame) -> list[str]:
    found = set(galaxies["split"])
    return [name for name in ("test", "validation", "training") if name in found]


def _codes(names: pd.Series, known: Sequence[str]) -> list[int | None]:
    """Number of each name, None where there is none."""
    codes = {name: code for code, name in enumerate(known)}
    return [None if pd.isna(name) else codes[name] for name in names]


def _places(is_one: pd.Series | NDArray[np.bool_]) -> list[int]:
    """Numbers of the galaxies of which something is true."""
    found: list[int] = np.flatnonzero(np.asarray(is_one, bool)).tolist()
    return found


def _tag(key: str, says: str, is_one: pd.Series | NDArray[np.bool_]) -> dict[str, Any]:
    """Galaxies to filter by: what the address calls them, and what people read."""
    return {"key": key, "says": says, "galaxies": _places(is_one)}


def _tags(some: Mapping[str, NDArray[np.bool_]]) -> list[dict[str, Any]]:
    """One for each of which there is a galaxy."""
    return [
        _tag(says.replace(" ", "_"), says, is_one) for says, is_one in some.items() if is_one.any()
    ]


def _texts(galaxies: pd.DataFrame, columns: list[str], words: str) -> list[str | None]:
    """What to say of each galaxy, None where something is not known."""
    known = galaxies[columns].notna().all(axis=1)
    values = galaxies[columns].astype(object).itertuples(index=False)
    return [words.format(*row) if is_known else None
            for row, is_known in zip(values, known, strict=True)]  # fmt: skip


def _numbers(values: pd.Series) -> list[float | None]:
    """Numbers of a few digits, as JSON knows them."""
    return [
        None if not np.isfinite(value) else float(f"{value:.{DIGITS}g}")
        for value in values.to_numpy(float)
    ]


def _neighbours(cataids: pd.Series, neighbours: pd.DataFrame) -> list[list[int]]:
    """The places of the neighbours of each galaxy, of those that are shown."""
    place = pd.Series(np.arange(len(cataids)), index=cataids.to_numpy())
    known = neighbours[neighbours["cataid"].isin(place.index)]
    known = known[known["neighbour"].isin(place.index)]
    of_each: list[list[int]] = [[] for _ in cataids]
    for galaxy, neighbour in zip(place[known["cataid"]], place[known["neighbour"]], strict=True):
        of_each[galaxy].append(int(neighbour))
    return of_each
