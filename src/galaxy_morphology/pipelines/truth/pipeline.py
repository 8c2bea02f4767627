"""The graph of the comparison with the truth."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.pipelines.truth import nodes


def create_pipeline() -> Pipeline:
    """From results and ``simulated_truth`` to how far they agree."""
    return Pipeline(
        [
            Node(
                nodes.find_population_error_rates,
                inputs=[
                    "predictions",
                    "metrics",
                    "simulated_truth",
                    "params:classes",
                    "params:truth",
                    "params:evaluation",
                ],
                outputs="population_error_rates",
                name="find_population_error_rates",
            ),
            Node(
                nodes.draw_population_error_rates,
                inputs=["population_error_rates", "metrics"],
                outputs="population_error_rates_figure",
                name="draw_population_error_rates",
            ),
            Node(
                nodes.score_suspects,
                inputs=["suspect_labels", "simulated_truth", "params:truth", "params:evaluation"],
                outputs="suspect_scores",
                name="score_suspects",
            ),
            Node(
                nodes.draw_suspects_found,
                inputs=["suspect_labels", "simulated_truth", "suspect_scores"],
                outputs="suspects_found_figure",
                name="draw_suspects_found",
            ),
            Node(
                nodes.measure_structure,
                inputs=[
                    "classifier",
                    "network_images",
                    "predictions",
                    "metrics",
                    "simulated_truth",
                    "simulated_structure",
                    "params:classes",
                    "params:truth",
                    "params:evaluation",
                    "params:prediction",
                    "params:explanations",
                ],
                outputs=["structure_agreement", "structure_summary"],
                name="measure_structure",
            ),
            Node(
                nodes.draw_structure,
                inputs=[
                    "structure_agreement",
                    "structure_summary",
                    "attribution_reliability",
                ],
                outputs="structure_figure",
                name="draw_structure",
            ),
        ],
        namespace="truth",
        prefix_datasets_with_namespace=False,
    )
