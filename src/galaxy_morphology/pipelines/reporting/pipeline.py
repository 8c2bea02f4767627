"""The graph of reporting."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.pipelines.reporting import nodes


def create_pipeline() -> Pipeline:
    """From results and configuration to ``model_card``."""
    return Pipeline(
        [
            Node(
                nodes.write_model_card,
                inputs=[
                    "galaxies",
                    "rejected_galaxies",
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
        ],
        namespace="reporting",
        prefix_datasets_with_namespace=False,
    )
