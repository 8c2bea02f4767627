"""What the options of all pipelines share."""

from pydantic import BaseModel, ConfigDict, RootModel, field_validator


class Options(BaseModel):
    """Typed parameters: unknown names and impossible values fail before anything runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Classes(RootModel[dict[int, str]]):
    """Class name by value of TARGET; everything downstream counts its classes here."""

    model_config = ConfigDict(frozen=True)

    @field_validator("root")
    @classmethod
    def _two_or_more_with_names_of_their_own(cls, classes: dict[int, str]) -> dict[int, str]:
        if len(classes) < 2 or len(set(classes.values())) < len(classes):
            raise ValueError(f"expected two or more classes with different names, found {classes}")
        return classes

    @property
    def names(self) -> list[str]:
        """The class names in the order of their values of TARGET: the order of probabilities."""
        return [self.root[target] for target in sorted(self.root)]
