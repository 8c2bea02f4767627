"""The table of contents: every pipeline, and what ``kedro run`` runs."""

from kedro.pipeline import Pipeline

from galaxy_morphology.pipelines import (
    comparison,
    data_processing,
    explainability,
    export,
    modelling,
    reporting,
    simulation,
    survey,
    truth,
    tuning,
)

BOXES = {
    "reading": "data_processing.reading",
    "measuring": "data_processing.measuring",
    "morphology": "data_processing.measuring",
    "training": "modelling.training",
    "evaluation": "modelling.evaluation",
    "card": "modelling.card",
    "attribution": "explainability.attribution",
    "checks": "explainability.checks",
}
"""The boxes inside the three stages, each of which can be run alone."""


def register_pipelines() -> dict[str, Pipeline]:
    """Register the stages by name, those of a survey as ``__default__``, and ``demo``.

    ``demo`` is the same on a survey that it simulates first, and compared with its truth.
    """
    # Explicit: sums on top of find_pipelines() break, since it loads only what a run names.
    stages = {
        "data_processing": data_processing.create_pipeline(),
        "modelling": modelling.create_pipeline(),
        "explainability": explainability.create_pipeline(),
    }
    page = reporting.create_pipeline()
    everything = sum(stages.values(), page)
    boxes = {name: everything.filter(node_namespaces=[box]) for name, box in BOXES.items()}
    around = {"simulation": simulation.create_pipeline(), "truth": truth.create_pipeline()}
    return {
        **stages,
        **boxes,
        "reporting": boxes["card"] + page,
        **around,
        "comparison": comparison.create_pipeline(),
        "export": export.create_pipeline(),
        "tuning": tuning.create_pipeline(),
        "tuning_worker": tuning.create_worker_pipeline(),
        "survey": survey.create_pipeline(),
        "demo": sum(around.values(), everything),
        "__default__": everything,
    }
