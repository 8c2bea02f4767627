"""The graph of reporting."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.pipelines.reporting import nodes


def create_pipeline() -> Pipeline:
    """From the sections of the other pipelines to ``report``. It has no box: it ends the graph."""
    return Pipeline(
        [
            Node(
                nodes.write_report,
                inputs=[
                    "metrics",
                    "error_rates",
                    "suspect_labels",
                    "comparison_conclusion",
                    "data_section",
                    "modelling_section",
                    "explainability_section",
                    "card_section",
                ],
                outputs="report",
                name="write_report",
            ),
        ]
    )
