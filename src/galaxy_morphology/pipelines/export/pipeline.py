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
            inputs=["classifier", "calibration", *asked],
            outputs="converted",
            name="convert_classifier",
        ),
        Node(
            nodes.predict_in_float32,
            inputs=["classifier", "images", "predictions", "calibration", *asked],
            outputs="expected",
            name="predict_in_float32",
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
                "calibration",
                *asked,
            ],
            outputs="exported_classifier",
            name="describe_export",
        ),
    ]
    return box("export", contents, shared={"exported_classifier"})
