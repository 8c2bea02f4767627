"""Refusing parameters that nothing reads."""

from difflib import get_close_matches
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

CATALOG_PARAMETERS = {"data_root"}
"""Parameters that the catalog reads, not a pipeline."""


class ParameterNamesHook:
    """Refuses parameters that nothing reads, which are misspelt ones."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Compare the names of the parameters with those that the pipelines read.

        Asking the context for them checks the values of all, those of pipelines that are not run
        too: Kedro itself would ignore a misspelt ``training.epoch`` there.

        Raises:
            ValueError: A parameter is read by no pipeline; names it and the closest that is.
        """
        from kedro.framework.project import pipelines

        number_classes(context.config_loader.runtime_params or {})
        known = CATALOG_PARAMETERS | {
            name.removeprefix("params:").split(".")[0]
            for pipeline in dict(pipelines).values()
            for name in pipeline.inputs()
            if name.startswith("params:")
        }
        for name in context.params:
            if name not in known:
                close = get_close_matches(name, known, n=1)
                hint = f" Did you mean {close[0]!r}?" if close else ""
                raise ValueError(
                    f"Unknown parameter {name!r}.{hint} Known are {', '.join(sorted(known))}."
                )
        check_together(context.params)


def check_together(parameters: dict[str, Any]) -> None:
    """Refuse parameters that fit each for itself, but not each other.

    Args:
        parameters: All of them, typed, by name.

    Raises:
        ValueError: The class prior or the votes name other classes than there are, soft labels
            and a class prior are set together, a network of the comparison changes what cannot be
            changed, or so does the search for parameters.
    """
    from galaxy_morphology.pipelines.comparison.options import recipe
    from galaxy_morphology.pipelines.tuning.options import Recipe

    parameters["classification"].prior(parameters["classes"])
    parameters["votes"].check(parameters["classes"], parameters["classification"])
    network, augmentation, training, prediction = (
        parameters[name] for name in ("network", "augmentation", "training", "prediction")
    )
    for entry in parameters["comparison"].networks.values():
        recipe(entry, network, augmentation, training, prediction, seed=0)
    parameters["tuning"].check(Recipe(network, augmentation, training))


def number_classes(parameters: dict[str, Any]) -> None:
    """Make the numbers of classes numbers: ``--params classes.0=Early`` has them as text.

    Args:
        parameters: Of a run, changed in place.
    """
    if isinstance(classes := parameters.get("classes"), dict):
        parameters["classes"] = {
            int(target) if isinstance(target, str) and target.isdecimal() else target: name
            for target, name in classes.items()
        }
