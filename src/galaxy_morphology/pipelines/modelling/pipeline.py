"""The graph of modelling."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.boxes import box
from galaxy_morphology.pipelines.modelling import card, evaluation, training
from galaxy_morphology.steps import train_network


def create_pipeline() -> Pipeline:
    """From ``images``, ``galaxies`` and ``features`` to ``classifier`` and ``predictions``."""
    between = {"training_history", "logits", "training_section",
               "gallery_section", "evaluation_section"}  # fmt: skip
    others_read = {"classifier", "calibration", "class_weights", "predictions", "metrics",
                   "error_rates", "suspect_labels", "modelling_section",
                   "card_section"}  # fmt: skip
    boxes = [
        box("training", _training(), between | others_read, own={"checkpoint"}),
        box("evaluation", _evaluation(), between | others_read),
        box("card", _card(), between | others_read, own={"software"}),
    ]
    own = {"training.checkpoint", "card.software"}
    return box("modelling", boxes, others_read, own)


def _training() -> list[Node]:
    """From ``network_images`` and ``galaxies`` to ``classifier`` and ``logits``."""
    return [
        Node(
            training.weigh_classes,
            inputs=["galaxies", "params:classes"],
            outputs="class_weights",
            name="weigh_classes",
        ),
        Node(
            training.draw_augmentation,
            inputs=[
                "network_images",
                "galaxies",
                "params:classes",
                "params:augmentation",
                "params:training",
            ],
            outputs="augmentation_figure",
            name="draw_augmentation",
        ),
        Node(
            train_network,
            inputs=[
                "network_images",
                "galaxies",
                "class_weights",
                "checkpoint",
                "params:classes",
                "params:network",
                "params:augmentation",
                "params:training",
                "params:votes",
            ],
            outputs=["classifier", "training_history"],
            name="train_network",
        ),
        Node(
            training.classify_galaxies,
            inputs=[
                "classifier",
                "network_images",
                "galaxies",
                "params:classes",
                "params:prediction",
            ],
            outputs="logits",
            name="classify_galaxies",
        ),
        Node(
            training.draw_training_curves,
            inputs=["training_history", "params:training"],
            outputs="training_curves_figure",
            name="draw_training_curves",
        ),
        Node(
            training.write_training_section,
            inputs=[
                "training_curves_figure",
                "augmentation_figure",
                "training_history",
                "params:training",
            ],
            outputs="training_section",
            name="write_training_section",
        ),
    ]


def _evaluation() -> list[Node]:
    """From ``logits`` to ``predictions``, ``metrics`` and figures of both."""
    return [
        Node(
            evaluation.calibrate_classifier,
            inputs=["logits", "params:classes", "params:classification"],
            outputs="calibration",
            name="calibrate_classifier",
        ),
        Node(
            evaluation.predict_classes,
            inputs=["logits", "calibration", "params:classes", "params:classification"],
            outputs="predictions",
            name="predict_classes",
        ),
        Node(
            evaluation.score_classifier,
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
            evaluation.find_error_rates,
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
            evaluation.draw_error_rates,
            inputs=["error_rates", "metrics"],
            outputs="error_rates_figure",
            name="draw_error_rates",
        ),
        Node(
            evaluation.find_suspect_labels,
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
            evaluation.draw_suspect_labels,
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
            evaluation.draw_confusion_matrices,
            inputs="metrics",
            outputs="confusion_matrix_figure",
            name="draw_confusion_matrices",
        ),
        Node(
            evaluation.draw_roc_curves,
            inputs=["predictions", "metrics", "params:classes"],
            outputs="roc_figure",
            name="draw_roc_curves",
        ),
        Node(
            evaluation.draw_confident_mistakes,
            inputs=["images", "predictions", "metrics", "params:classes", "params:evaluation"],
            outputs="confident_mistakes_figure",
            name="draw_confident_mistakes",
        ),
        Node(
            evaluation.draw_reliability,
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
            evaluation.draw_selective_accuracy,
            inputs=["predictions", "metrics", "params:classes", "params:evaluation"],
            outputs="selective_accuracy_figure",
            name="draw_selective_accuracy",
        ),
        Node(
            evaluation.find_neighbours,
            inputs=["classifier", "network_images", "galaxies", "params:prediction"],
            outputs="neighbours",
            name="find_neighbours",
        ),
        Node(
            evaluation.write_gallery_section,
            inputs=[
                "images",
                "galaxies",
                "features",
                "predictions",
                "suspect_labels",
                "neighbours",
                "metrics",
                "params:classes",
            ],
            outputs="gallery_section",
            name="write_gallery_section",
        ),
        Node(
            evaluation.write_evaluation_section,
            inputs=[
                "confusion_matrix_figure",
                "roc_figure",
                "reliability_figure",
                "selective_accuracy_figure",
                "error_rates_figure",
                "confident_mistakes_figure",
                "suspect_labels_figure",
                "predictions",
                "metrics",
                "error_rates",
                "params:classes",
                "params:evaluation",
                "params:classification",
            ],
            outputs="evaluation_section",
            name="write_evaluation_section",
        ),
    ]


def _card() -> list[Node]:
    """From results and configuration to ``model_card``."""
    return [
        Node(
            card.write_model_card,
            inputs=[
                "galaxies",
                "archive_summary",
                "training_history",
                "metrics",
                "error_rates",
                "suspect_labels",
                "params:training",
                "parameters",
                "software",
            ],
            outputs="model_card",
            name="write_model_card",
        ),
        Node(
            card.write_modelling_section,
            inputs=["gallery_section", "training_section", "evaluation_section"],
            outputs="modelling_section",
            name="write_modelling_section",
        ),
        Node(
            card.write_card_section,
            inputs="model_card",
            outputs="card_section",
            name="write_card_section",
        ),
    ]
