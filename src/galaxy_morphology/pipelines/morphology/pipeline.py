"""The graph of morphology."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.pipelines.morphology import nodes


def create_pipeline() -> Pipeline:
    """From ``images`` and ``galaxies`` to ``features``."""
    return Pipeline(
        [
            Node(
                nodes.measure_galaxies,
                inputs=["images", "galaxies"],
                outputs="features",
                name="measure_galaxies",
            ),
        ],
        namespace="morphology",
        prefix_datasets_with_namespace=False,
    )
