"""The graph of simulation."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.pipelines.simulation import nodes


def create_pipeline() -> Pipeline:
    """From parameters to ``galaxy_archive``, ``galaxy_labels`` and the truth about them."""
    return Pipeline(
        [
            Node(
                nodes.draw_truth,
                inputs=[
                    "params:populations",
                    "params:observation",
                    "params:simulation",
                    "params:classes",
                ],
                outputs="simulated_truth",
                name="draw_truth",
            ),
            Node(
                nodes.draw_survey,
                inputs=[
                    "simulated_truth",
                    "params:observation",
                    "params:simulation",
                    "params:cutouts",
                ],
                # The archive first: its label list is written with it.
                outputs=["galaxy_archive", "galaxy_labels", "simulated_structure"],
                name="draw_survey",
            ),
            Node(
                nodes.draw_populations,
                inputs=[
                    "galaxy_archive",
                    "simulated_truth",
                    "params:cutouts",
                    "params:population_sheet",
                ],
                outputs="populations_figure",
                name="draw_populations",
            ),
        ],
        namespace="simulation",
        prefix_datasets_with_namespace=False,
    )
