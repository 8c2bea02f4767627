"""How galaxies are laid out in an archive, as it is configured."""

import re
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from galaxy_morphology.identifiers import Identifiers

BRACES = re.compile(r"\{([^{}]+)\}")


class Columns(BaseModel):
    """What the columns of a catalogue, or the arrays of an HDF5 file, are called.

    Attributes:
        identifier: Of galaxies.
        label: The class of each.
        votes: Those with the votes for each class, by its number, where there is no label. They
            keep their names.
        total_votes: That with the number of all votes. It keeps its name.
        file: The path of each cut-out in the archive, or a text with names of columns in braces,
            such as ``images/{asset_id}.jpg``.
        image: The array of cut-outs of an HDF5 file.
        split: Which split each galaxy is to be in.
        group: What galaxies have in common that must not be split.
        ra: Right ascension in degrees.
        dec: Declination in degrees.
        radius: Of each galaxy, in arcsec.
        scale: Of each cut-out, in arcsec per pixel.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    identifier: str | None = None
    label: str | None = None
    votes: dict[int, tuple[str, ...]] = Field(default_factory=dict)
    total_votes: str | None = None
    file: str | None = None
    image: str | None = None
    split: str | None = None
    group: str | None = None
    ra: str | None = None
    dec: str | None = None
    radius: str | None = None
    scale: str | None = None

    @property
    def in_file(self) -> list[str]:
        """The columns that ``file`` is made of."""
        return (BRACES.findall(self.file) or [self.file]) if self.file else []

    @property
    def of_votes(self) -> list[str]:
        """The columns of votes, and of their number."""
        total = [self.total_votes] if self.total_votes else []
        return [*(name for names in self.votes.values() for name in names), *total]

    def besides(self) -> dict[str, str]:
        """By our names, the columns that need not be there."""
        besides = {"split", "group", "ra", "dec", "radius", "scale"}
        names = self.model_dump(include=besides, exclude_none=True)
        return {ours: str(theirs) for ours, theirs in names.items()}


class Join(BaseModel):
    """A second table, with more columns of the same galaxies.

    Attributes:
        file: Its name.
        column: Of the first table.
        equals: The column of the second table that has the same values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    column: str
    equals: str


class Layout(BaseModel):
    """How galaxies are laid out in an archive.

    Attributes:
        label_file: Name of the table of galaxies; None where folders or HDF5 tell the labels.
        image_suffix: What follows the identifier in the names of cut-outs, where no column tells
            their paths.
        identifiers: What those are.
        columns: Of the table.
        join: With which other table it is joined.
        label_values: By a pattern of labels such as ``S*``, the class that is meant. The first
            that fits counts; other labels stay as they are.
        image_side: Width and height in px of the cut-outs of an HDF5 file, to tell files apart
            that are laid out alike; None where it does not matter.
        labelled: Whether the galaxies have labels, which a survey that is to be classified has not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label_file: str | None = "2class_list.csv"
    image_suffix: str = "_giH.png"
    identifiers: Identifiers = "integer"
    columns: Columns = Columns(identifier="CATAID", label="TARGET")
    join: Join | None = None
    label_values: dict[str, int | str] = Field(default_factory=dict)
    image_side: int | None = None
    labelled: bool = True

    def without_labels(self) -> Self:
        """The same layout of galaxies that nobody has labelled: only what and where they are."""
        unknown: dict[str, Any] = {"label": None, "votes": {}, "split": None, "group": None}
        columns = self.columns.model_copy(update=unknown)
        return self.model_copy(update={"columns": columns, "labelled": False})

    @model_validator(mode="after")
    def _tables_have_what_is_needed(self) -> Self:
        columns = self.columns
        is_label = bool(columns.label or columns.votes) or not self.labelled
        if self.label_file and not (columns.identifier and is_label):
            raise ValueError(
                f"`columns` must say which columns of {self.label_file} are the identifier, and "
                "the label or the votes"
            )
        if columns.label and columns.votes:
            raise ValueError("`columns` must name the label or the votes, and not both")
        if self.join and not self.label_file:
            raise ValueError("`join` needs a `label_file` to join with")
        return self
