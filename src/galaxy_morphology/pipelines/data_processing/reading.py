"""Nodes of data processing."""

from typing import Any

import pandas as pd

from galaxy_morphology import figures, imaging, report
from galaxy_morphology.identifiers import Identifiers
from galaxy_morphology.options import Classes, CutoutOptions, VoteOptions
from galaxy_morphology.pipelines.data_processing.options import (
    SheetOptions,
    SplitOptions,
)
from galaxy_morphology.typing import ArrayRows, CutoutArchive, Figure, Images


def clean_labels(
    galaxy_labels: pd.DataFrame, classes: Classes, identifiers: Identifiers, votes: VoteOptions
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep one row per galaxy with a known class, and list the others with the reason.

    Args:
        galaxy_labels: The label list as found, every cell as text, with what its columns are
            called where it comes from as attributes.
        classes: Class name by value of TARGET, or by the number that votes have.
        identifiers: What the CATAIDs are.
        votes: How labels are made of votes; with no columns, TARGET is the label.

    Returns:
        Labelled galaxies, and rejected ones.
    """
    identifier, label = (galaxy_labels.attrs.get(name, name) for name in ("CATAID", "TARGET"))
    if not votes.columns:
        return imaging.clean_labels(
            galaxy_labels, classes.root, identifiers, identifier_column=identifier,
            label_column=label,
        )  # fmt: skip
    return imaging.clean_votes(
        galaxy_labels, classes.root, identifiers, identifier_column=identifier,
        **votes.model_dump(exclude={"weigh_by_votes"}),
    )  # fmt: skip


def read_and_split_galaxies(
    galaxy_archive: CutoutArchive,
    labelled_galaxies: pd.DataFrame,
    rejected_labels: pd.DataFrame,
    classes: Classes,
    cutout_options: CutoutOptions,
    split_options: SplitOptions,
) -> tuple[ArrayRows, ArrayRows, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Read the cut-out of every labelled galaxy, and assign it to a split.

    All that the archive is needed for is done here: to open one may take a while. And images are
    not written unless the galaxies they belong to can be.

    Args:
        galaxy_archive: Encoded cut-out, or its pixels, by CATAID.
        labelled_galaxies: One row per galaxy.
        rejected_labels: Those left out for their label.
        classes: The classes that every split must hold.
        cutout_options: Sizes wanted and allowed, and what networks see.
        split_options: Fractions of the whole, the seed, and what stays together.

    Returns:
        Images uint8 [N, side, side, 3], RGB; what networks see, these or bands float16 [N, side,
        side, bands]; the galaxies they belong to, in the same order,
        with the size and scale of their cut-outs, quality flags, whether they are
        ``simulated``, their ``group`` and their ``split``; every galaxy that was left out, with
        the reason; and which archive it was.
    """
    images, readable, rejected_cutouts = imaging.read_cutouts(
        galaxy_archive, labelled_galaxies, **dict(cutout_options)
    )
    readable["simulated"] = galaxy_archive.simulated
    galaxies, divided = imaging.split_galaxies(
        readable, classes.names, **split_options.model_dump()
    )
    images = images.those(readable["cataid"].isin(galaxies["cataid"]).to_numpy())
    left_out = pd.concat([rejected_cutouts, divided])
    rejected = _rejected(galaxy_archive, labelled_galaxies, rejected_labels, left_out)
    counts = {"galaxies": len(galaxies), "rejected": len(rejected)}
    network_images = images if images.bands is None else images.bands
    return images, network_images, galaxies, rejected, {**galaxy_archive.summary(), **counts}


def _rejected(
    galaxy_archive: CutoutArchive,
    labelled_galaxies: pd.DataFrame,
    rejected_labels: pd.DataFrame,
    left_out: pd.DataFrame,
) -> pd.DataFrame:
    """Every galaxy that was left out: ``cataid``, missing where none could be read, ``reason``.

    Those without a label are left out too, as are images without a CATAID. Where labels are votes,
    these stand in words in a column ``votes``.
    """
    named = {*labelled_galaxies["cataid"], *rejected_labels["cataid"].dropna()}
    unlabelled = sorted(set(galaxy_archive) - named)
    without_label = pd.DataFrame({"cataid": unlabelled, "reason": "a cut-out, but no label"})
    unnamed = [
        f"the CATAID in the name {name} {why}" for name, why in galaxy_archive.unnamed.items()
    ]
    without_cataid = pd.DataFrame({"cataid": pd.NA, "reason": unnamed}, index=range(len(unnamed)))
    parts = [
        part.astype({"cataid": rejected_labels["cataid"].dtype, "reason": str})
        for part in (rejected_labels, left_out, without_label, without_cataid)
    ]
    return pd.concat(parts, ignore_index=True).assign(simulated=galaxy_archive.simulated)


def draw_class_counts(galaxies: pd.DataFrame, classes: Classes) -> Figure:
    """Draw the galaxies per class and split.

    Args:
        galaxies: Columns ``class_name`` and ``split``.
        classes: The classes in order.
    """
    return figures.class_counts(galaxies, classes.names)


def draw_cutout_sheets(
    images: Images, galaxies: pd.DataFrame, classes: Classes, options: SheetOptions
) -> Figure:
    """Draw random cut-outs of every class with their CATAIDs.

    Args:
        images: uint8 [N, height, width, 3], RGB.
        galaxies: A row per image.
        classes: The classes in order.
        options: How many galaxies, and the seed.
    """
    return figures.cutout_sheet(
        images, galaxies, classes.names, n_galaxies=options.galaxies_per_class, seed=options.seed
    )


def write_data_section(class_counts: bytes, cutouts: bytes, rejected_galaxies: pd.DataFrame) -> str:
    """Lay out what the galaxies are, for the report.

    Args:
        class_counts: Picture of the galaxies per class and split.
        cutouts: Picture of some of them.
        rejected_galaxies: A row per galaxy that was left out, with its ``reason``.

    Returns:
        A section of HTML.
    """
    return report.section(
        "Data",
        [
            report.Picture(
                class_counts,
                "Galaxies per class",
                "Training galaxies are learned from, validation galaxies choose the epoch and "
                "the temperature, and test galaxies are only scored.",
            ),
            report.Picture(
                cutouts,
                "Some of the galaxies",
                "Drawn by lot from each class, with their CATAIDs. All of them should look like "
                "their class, in the same colours, and lie in the middle.",
            ),
        ],
        [
            report.Table(
                rejected_galaxies["reason"].value_counts().rename_axis("reason").reset_index(),
                "Galaxies left out",
                "How many for which reason; rejected_galaxies.csv has their CATAIDs.",
            )
        ],
    )
