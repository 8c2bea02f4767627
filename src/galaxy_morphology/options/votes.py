"""Typed parameters of labels that are made of votes."""

from typing import Literal, Self

from pydantic import Field, model_validator

from galaxy_morphology.options.base import Options
from galaxy_morphology.options.evaluation import ClassificationOptions
from galaxy_morphology.options.galaxies import Classes


class VoteOptions(Options):
    """How labels are made of votes; see ``imaging.clean_votes``."""

    columns: dict[int, tuple[str, ...]]
    kind: Literal["fractions", "counts"]
    total: str | None
    minimum_votes: int = Field(ge=0)
    minimum_fraction: float = Field(gt=0, le=1)
    margin: float = Field(ge=0, lt=1)
    soft: bool
    weigh_by_votes: bool

    @model_validator(mode="after")
    def _columns_are_named_once(self) -> Self:
        named = [column for columns in self.columns.values() for column in columns]
        if not all(self.columns.values()):
            raise ValueError(f"expected a column or more for each class, found {self.columns}")
        read = [*named, *([self.total] if self.total else [])]
        if len(set(read)) < len(read):
            raise ValueError(f"expected each column once, found {', '.join(read)}")
        if self.soft and not named:
            raise ValueError(
                "soft labels are fractions of votes: name their columns as `columns.votes` in "
                "globals.yml"
            )
        return self

    @model_validator(mode="after")
    def _votes_are_counted_where_their_number_matters(self) -> Self:
        if self.kind == "fractions" and self.total is None:
            for name in ("minimum_votes", "weigh_by_votes"):
                if getattr(self, name):
                    raise ValueError(
                        f"{name} needs numbers of votes: name the column that has them as "
                        "`columns.total_votes` in globals.yml"
                    )
        if self.weigh_by_votes and not self.soft:
            raise ValueError("weigh_by_votes is for soft labels: set `soft` too")
        if self.weigh_by_votes and self.kind == "counts":
            raise ValueError(
                "weigh_by_votes is for fractions: the loss for counts knows their number"
            )
        return self

    @property
    def loss(self) -> Literal["cross_entropy", "dirichlet_multinomial"]:
        """What training lowers; see ``networks.train``."""
        return "dirichlet_multinomial" if self.soft and self.kind == "counts" else "cross_entropy"

    def check(self, classes: Classes, classification: ClassificationOptions) -> None:
        """Refuse what does not fit other parameters.

        Args:
            classes: The classes.
            classification: With the mix of classes.

        Raises:
            ValueError: Votes are for other classes than there are, or soft labels are to become
                those of another mix of classes.
        """
        if self.columns and set(self.columns) != set(classes.root):
            raise ValueError(
                f"`columns.votes` in globals.yml has columns for the classes "
                f"{sorted(self.columns)}, but `classes` are {classes.root}. Name columns for each "
                "of them, or none at all."
            )
        if self.soft and classification.class_prior is not None:
            raise ValueError(
                "With votes.soft, probabilities are the fractions of votes that a galaxy would "
                "get, whatever galaxies are around it: set classification.class_prior to null."
            )
