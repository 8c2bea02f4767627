"""Typed parameters of explanations."""

from typing import Any

from pydantic import Field, model_validator

from galaxy_morphology.attribution import METHODS, Explain, explainer
from galaxy_morphology.options.base import Options, options_of


class ExplanationOptions(Options):
    """Which of ``attribution.METHODS`` explain, and the options of each.

    Where galaxies are explained again and again, to see what a map hangs on, the options of
    ``again`` take the place of others.
    """

    methods: tuple[str, ...] = Field(min_length=1)
    options: dict[str, dict[str, Any]]
    again: dict[str, dict[str, Any]]

    @model_validator(mode="before")
    @classmethod
    def _are_arguments_of_their_methods(cls, values: dict[str, Any]) -> dict[str, Any]:
        parts = {part: values.get(part) or {} for part in ("options", "again")}
        for name in (*values.get("methods", ()), *parts["options"], *parts["again"]):
            if name not in METHODS:
                raise ValueError(f"no method is named {name}; known are {', '.join(METHODS)}")
        options, again = (
            {
                name: options_of(METHODS[name]).model_validate({**first, **changes}).model_dump()
                for name in METHODS
                for first, changes in [(parts["options"].get(name, {}), all_changes.get(name, {}))]
            }
            for all_changes in ({}, parts["again"])
        )
        return {**values, "options": options, "again": again}

    def explainers(self, *, again: bool = False) -> dict[str, Explain]:
        """The methods, ready to be asked for maps.

        Args:
            again: With the options for explaining galaxies again.
        """
        options = self.again if again else self.options
        return {name: explainer(name, **options[name]) for name in self.methods}
