"""The graph of the export."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.boxes import box
from galaxy_morphology.pipelines.export import nodes


def create_pipeline() -> Pipeline:
    """From ``classifier``, its calibration and ``predictions`` to ``exported_classifier``."""
    asked = ["params:classes", "params:classification", "params:prediction", "params:export"]
    contents = [
        Node(
            nodes.convert_classifier,
            inputs=["classifier", "modelling.calibration", *asked],
            outputs="converted",
            name="convert_classifier",
        ),
        Node(
            nodes.classify_exactly,
            inputs=["classifier", "images", "predictions", "modelling.calibration", *asked],
            outputs="expected",
            name="classify_exactly",
        ),
        Node(
            nodes.compare_answers,
            inputs=[
                "converted",
                "expected",
                "images",
                "predictions",
                "params:classes",
                "params:export",
            ],
            outputs="differences",
            name="compare_answers",
        ),
        Node(
            nodes.describe_export,
            inputs=[
                "converted",
                "expected",
                "differences",
                "classifier",
                "modelling.calibration",
                *asked,
            ],
            outputs="exported_classifier",
            name="describe_export",
        ),
    ]
    return box("export", contents, shared={"exported_classifier"})
