"""The graph of the search for parameters."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.pipelines.tuning import nodes

SIDE_BY_SIDE = "side_by_side"
"""Tag of nodes that write nothing but what several processes may write at a time."""

SEARCHED = [
    "development_images",
    "development_galaxies",
    "class_weights",
    "tuning_study",
    "params:classes",
    "params:network",
    "params:augmentation",
    "params:training",
    "params:tuning",
    "params:votes",
]


def create_pipeline() -> Pipeline:
    """From ``images`` and ``galaxies`` to ``best_parameters``."""
    return Pipeline(
        [
            Node(
                nodes.leave_out_test_galaxies,
                inputs=["network_images", "galaxies"],
                outputs=["development_images", "development_galaxies"],
                name="leave_out_test_galaxies",
            ),
            Node(
                nodes.search,
                inputs=SEARCHED,
                outputs=["trials", "parameter_importance"],
                name="search",
            ),
            Node(
                nodes.train_finalists,
                inputs=[
                    "development_images",
                    "development_galaxies",
                    "class_weights",
                    "finalist_checkpoints",
                    "trials",
                    "params:classes",
                    "params:network",
                    "params:augmentation",
                    "params:training",
                    "params:tuning",
                    "params:votes",
                ],
                outputs="finalists",
                name="train_finalists",
            ),
            Node(
                nodes.write_best_parameters,
                inputs=["trials", "finalists"],
                outputs="best_parameters",
                name="write_best_parameters",
            ),
            Node(
                nodes.draw_search_history,
                inputs=["trials", "finalists"],
                outputs="search_history_figure",
                name="draw_search_history",
            ),
            Node(
                nodes.draw_parameter_importance,
                inputs="parameter_importance",
                outputs="parameter_importance_figure",
                name="draw_parameter_importance",
            ),
        ],
        namespace="tuning",
        prefix_datasets_with_namespace=False,
    )


def create_worker_pipeline() -> Pipeline:
    """To search in the same study from another process; what is found lies in the study."""
    return Pipeline(
        [
            Node(
                nodes.help_searching,
                inputs=SEARCHED,
                outputs=None,
                name="help_searching",
                tags=SIDE_BY_SIDE,
            )
        ],
        namespace="tuning_worker",
        prefix_datasets_with_namespace=False,
    )
