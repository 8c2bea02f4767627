"""The graph of modelling."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.pipelines.modelling import nodes


def create_pipeline() -> Pipeline:
    """From ``images`` and ``galaxies`` to ``classifier``, ``predictions`` and ``metrics``."""
    return Pipeline(
        [
            Node(
                nodes.weigh_classes,
                inputs=["galaxies", "params:classes"],
                outputs="class_weights",
                name="weigh_classes",
            ),
            Node(
                nodes.draw_augmentation,
                inputs=[
                    "images",
                    "galaxies",
                    "params:classes",
                    "params:augmentation",
                    "params:training",
                ],
                outputs="augmentation_figure",
                name="draw_augmentation",
            ),
            Node(
                nodes.train_network,
                inputs=[
                    "images",
                    "galaxies",
                    "class_weights",
                    "interrupted_training",
                    "params:classes",
                    "params:network",
                    "params:augmentation",
                    "params:training",
                ],
                outputs="training_state",
                name="train_network",
            ),
            Node(
                nodes.choose_classifier,
                inputs=[
                    "training_state",
                    "images",
                    "galaxies",
                    "params:classes",
                    "params:network",
                ],
                outputs=["classifier", "training_history"],
                name="choose_classifier",
            ),
            Node(
                nodes.classify_galaxies,
                inputs=["classifier", "images", "galaxies", "params:classes"],
                outputs="predictions",
                name="classify_galaxies",
            ),
            Node(
                nodes.score_classifier,
                inputs=["predictions", "params:classes", "params:evaluation"],
                outputs="metrics",
                name="score_classifier",
            ),
            Node(
                nodes.draw_training_curves,
                inputs=["training_history", "params:training"],
                outputs="training_curves_figure",
                name="draw_training_curves",
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
                inputs=["images", "predictions", "metrics", "params:evaluation"],
                outputs="confident_mistakes_figure",
                name="draw_confident_mistakes",
            ),
        ],
        namespace="modelling",
        prefix_datasets_with_namespace=False,
    )
