"""The graph of modelling."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.pipelines.modelling import nodes
from galaxy_morphology.steps import train_network


def create_pipeline() -> Pipeline:
    """From ``images`` and ``galaxies`` to ``classifier`` and ``logits``."""
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
                train_network,
                inputs=[
                    "images",
                    "galaxies",
                    "class_weights",
                    "training_checkpoint",
                    "params:classes",
                    "params:network",
                    "params:augmentation",
                    "params:training",
                ],
                outputs=["classifier", "training_history"],
                name="train_network",
            ),
            Node(
                nodes.classify_galaxies,
                inputs=["classifier", "images", "galaxies", "params:classes", "params:prediction"],
                outputs="logits",
                name="classify_galaxies",
            ),
            Node(
                nodes.draw_training_curves,
                inputs=["training_history", "params:training"],
                outputs="training_curves_figure",
                name="draw_training_curves",
            ),
        ],
        namespace="modelling",
        prefix_datasets_with_namespace=False,
    )
