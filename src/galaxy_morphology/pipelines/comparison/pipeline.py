"""The graph of the comparison."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.pipelines.comparison import nodes, page


def create_pipeline() -> Pipeline:
    """From ``images``, ``galaxies`` and ``features`` to ``comparison`` and its page."""
    # One node trains all networks: which there are is known from the parameters alone, and a graph
    # must be there before they are read. `network_checkpoints` keeps a file for each.
    return Pipeline(
        [
            Node(
                nodes.train_networks,
                inputs=[
                    "network_images",
                    "galaxies",
                    "class_weights",
                    "network_checkpoints",
                    "params:classes",
                    "params:network",
                    "params:augmentation",
                    "params:training",
                    "params:prediction",
                    "params:comparison",
                    "params:votes",
                ],
                outputs="network_entries",
                name="train_networks",
            ),
            Node(
                nodes.train_baselines,
                inputs=[
                    "galaxies",
                    "features",
                    "baseline_checkpoints",
                    "params:classes",
                    "params:comparison",
                ],
                outputs="baseline_entries",
                name="train_baselines",
            ),
            Node(
                nodes.score_entries,
                inputs=[
                    "network_entries",
                    "baseline_entries",
                    "galaxies",
                    "params:classes",
                    "params:comparison",
                    "params:classification",
                    "params:evaluation",
                ],
                outputs="comparison",
                name="score_entries",
            ),
            Node(
                nodes.summarise_entries,
                inputs="comparison",
                outputs="comparison_summary",
                name="summarise_entries",
            ),
            Node(
                nodes.draw_comparison,
                inputs=["comparison", "params:comparison"],
                outputs="comparison_figure",
                name="draw_comparison",
            ),
            Node(
                nodes.conclude_comparison,
                inputs=["comparison", "params:comparison", "params:evaluation"],
                outputs="comparison_conclusion",
                name="conclude_comparison",
            ),
            Node(
                page.write_comparison_page,
                inputs=[
                    "comparison",
                    "comparison_summary",
                    "comparison_conclusion",
                    "comparison_figure",
                    "params:comparison",
                ],
                outputs="comparison_report",
                name="write_comparison_page",
            ),
        ],
        namespace="comparison",
        prefix_datasets_with_namespace=False,
    )
