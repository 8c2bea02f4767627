"""The table of contents: every pipeline, and what ``kedro run`` runs."""

from kedro.pipeline import Pipeline

from galaxy_morphology.pipelines import data_processing, explainability, modelling


def register_pipelines() -> dict[str, Pipeline]:
    """Register the stages by name, and all of them as ``__default__``."""
    # Explicit: sums on top of find_pipelines() break, since it loads only what a run names.
    stages = {
        "data_processing": data_processing.create_pipeline(),
        "modelling": modelling.create_pipeline(),
        "explainability": explainability.create_pipeline(),
    }
    return {**stages, "__default__": sum(stages.values(), Pipeline([]))}
