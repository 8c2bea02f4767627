"""The graph of evaluation."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.pipelines.evaluation import nodes


def create_pipeline() -> Pipeline:
    """From ``logits`` to ``predictions``, ``metrics`` and figures of both."""
    return Pipeline(
        [
            Node(
                nodes.calibrate_classifier,
                inputs=["logits", "params:classes", "params:classification"],
                outputs="calibration",
                name="calibrate_classifier",
            ),
            Node(
                nodes.predict_classes,
                inputs=["logits", "calibration", "params:classes", "params:classification"],
                outputs="predictions",
                name="predict_classes",
            ),
            Node(
                nodes.score_classifier,
                inputs=[
                    "predictions",
                    "calibration",
                    "params:classes",
                    "params:evaluation",
                    "params:classification",
                ],
                outputs="metrics",
                name="score_classifier",
            ),
            Node(
                nodes.find_error_rates,
                inputs=[
                    "predictions",
                    "galaxies",
                    "features",
                    "metrics",
                    "params:error_rates",
                    "params:evaluation",
                ],
                outputs="error_rates",
                name="find_error_rates",
            ),
            Node(
                nodes.draw_error_rates,
                inputs=["error_rates", "metrics"],
                outputs="error_rates_figure",
                name="draw_error_rates",
            ),
            Node(
                nodes.find_suspect_labels,
                inputs=[
                    "galaxies",
                    "features",
                    "predictions",
                    "calibration",
                    "params:classes",
                    "params:suspects",
                ],
                outputs="suspect_labels",
                name="find_suspect_labels",
            ),
            Node(
                nodes.draw_suspect_labels,
                inputs=[
                    "images",
                    "galaxies",
                    "suspect_labels",
                    "params:classes",
                    "params:suspects",
                ],
                outputs="suspect_labels_figure",
                name="draw_suspect_labels",
            ),
            Node(
                nodes.draw_confusion_matrices,
                inputs="metrics",
                outputs="confusion_matrix_figure",
                name="draw_confusion_matrices",
            ),
            Node(
                nodes.draw_roc_curves,
                inputs=["predictions", "metrics", "params:classes"],
                outputs="roc_figure",
                name="draw_roc_curves",
            ),
            Node(
                nodes.draw_confident_mistakes,
                inputs=["images", "predictions", "metrics", "params:classes", "params:evaluation"],
                outputs="confident_mistakes_figure",
                name="draw_confident_mistakes",
            ),
            Node(
                nodes.draw_reliability,
                inputs=[
                    "predictions",
                    "metrics",
                    "params:classes",
                    "params:evaluation",
                    "params:classification",
                ],
                outputs="reliability_figure",
                name="draw_reliability",
            ),
            Node(
                nodes.draw_selective_accuracy,
                inputs=["predictions", "metrics", "params:classes", "params:evaluation"],
                outputs="selective_accuracy_figure",
                name="draw_selective_accuracy",
            ),
        ],
        namespace="evaluation",
        prefix_datasets_with_namespace=False,
    )
