"""The graph of data processing."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.pipelines.data_processing import nodes


def create_pipeline() -> Pipeline:
    """From ``galaxy_archive`` and ``galaxy_labels`` to ``images`` and ``galaxies``."""
    return Pipeline(
        [
            Node(
                nodes.clean_labels,
                inputs=["galaxy_labels", "params:classes"],
                outputs=["labelled_galaxies", "rejected_labels"],
                name="clean_labels",
            ),
            Node(
                nodes.read_and_split_galaxies,
                inputs=[
                    "galaxy_archive",
                    "labelled_galaxies",
                    "params:classes",
                    "params:cutouts",
                    "params:split",
                ],
                outputs=["images", "galaxies", "rejected_cutouts"],
                name="read_and_split_galaxies",
            ),
            Node(
                nodes.list_rejected_galaxies,
                inputs=[
                    "galaxy_archive",
                    "labelled_galaxies",
                    "rejected_labels",
                    "rejected_cutouts",
                ],
                outputs="rejected_galaxies",
                name="list_rejected_galaxies",
            ),
            Node(
                nodes.describe_archive,
                inputs=["galaxy_archive", "galaxies"],
                outputs="archive_summary",
                name="describe_archive",
            ),
            Node(
                nodes.draw_class_counts,
                inputs=["galaxies", "params:classes"],
                outputs="class_counts_figure",
                name="draw_class_counts",
            ),
            Node(
                nodes.draw_cutout_sheets,
                inputs=["images", "galaxies", "params:classes", "params:cutout_sheet"],
                outputs="cutouts_figure",
                name="draw_cutout_sheets",
            ),
        ],
        namespace="data_processing",
        prefix_datasets_with_namespace=False,
    )
