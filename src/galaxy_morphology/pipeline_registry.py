"""The table of contents: every pipeline, and what ``kedro run`` runs."""

from kedro.pipeline import Pipeline

from galaxy_morphology.pipelines import (
    comparison,
    data_processing,
    evaluation,
    explainability,
    modelling,
    morphology,
    reporting,
    simulation,
    truth,
)


def register_pipelines() -> dict[str, Pipeline]:
    """Register the stages by name, those of a survey as ``__default__``, and ``demo``.

    ``demo`` is the same on a survey that it simulates first, and compared with its truth.
    """
    # Explicit: sums on top of find_pipelines() break, since it loads only what a run names.
    stages = {
        "data_processing": data_processing.create_pipeline(),
        "morphology": morphology.create_pipeline(),
        "modelling": modelling.create_pipeline(),
        "evaluation": evaluation.create_pipeline(),
        "explainability": explainability.create_pipeline(),
        "reporting": reporting.create_pipeline(),
    }
    survey = sum(stages.values(), Pipeline([]))
    around = {"simulation": simulation.create_pipeline(), "truth": truth.create_pipeline()}
    return {
        **stages,
        **around,
        "comparison": comparison.create_pipeline(),
        "demo": sum(around.values(), survey),
        "__default__": survey,
    }
