"""The graph of a survey."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.boxes import box
from galaxy_morphology.pipelines.survey import nodes
from galaxy_morphology.pipelines.survey.results import results_pipeline


def create_pipeline() -> Pipeline:
    """From ``classifier`` and archives without labels to ``survey_catalogue`` and its page."""
    kept = {"survey_catalogue", "survey_manifest", "survey_cutouts", "survey_summary",
            "class_shares", "to_label", "survey_report"}  # fmt: skip
    return box("survey", [_catalogue(), results_pipeline()], kept)


def _catalogue() -> Pipeline:
    """From ``classifier`` and archives without labels to ``survey_catalogue``."""
    return Pipeline(
        [
            Node(
                nodes.measure_training_features,
                inputs=[
                    "classifier",
                    "network_images",
                    "galaxies",
                    "training_features_checkpoint",
                    "params:prediction",
                    "params:survey",
                ],
                outputs="training_features",
                name="measure_training_features",
            ),
            Node(
                nodes.classify_survey,
                inputs=[
                    "survey_archives",
                    "survey_folder",
                    "classifier",
                    "training_features",
                    "galaxies",
                    "calibration",
                    "params:classes",
                    "params:classification",
                    "params:prediction",
                    "params:cutouts",
                    "params:survey",
                ],
                outputs=[
                    "survey_catalogue",
                    "survey_manifest",
                    "survey_cutouts",
                    "nameless",
                ],
                name="classify_survey",
            ),
            Node(
                nodes.summarise_survey,
                inputs=["survey_catalogue", "survey_manifest", "nameless"],
                outputs="survey_summary",
                name="summarise_survey",
            ),
        ]
    )
