"""The graph of data processing."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.boxes import box
from galaxy_morphology.pipelines.data_processing import measuring, reading


def create_pipeline() -> Pipeline:
    """From ``galaxy_archive`` and ``galaxy_labels`` to ``images``, ``galaxies``, ``features``."""
    others_read = {"images", "network_images", "galaxies", "features", "archive_summary",
                   "data_section"}  # fmt: skip
    boxes = [
        box("reading", _reading(), others_read),
        box("measuring", _measuring(), others_read),
    ]
    return box("data_processing", boxes, others_read)


def _reading() -> list[Node]:
    """From ``galaxy_archive`` and ``galaxy_labels`` to ``images`` and ``galaxies``."""
    return [
        Node(
            reading.clean_labels,
            inputs=["galaxy_labels", "params:classes", "params:identifiers", "params:votes"],
            outputs=["labelled_galaxies", "rejected_labels"],
            name="clean_labels",
        ),
        Node(
            reading.read_and_split_galaxies,
            inputs=[
                "galaxy_archive",
                "labelled_galaxies",
                "rejected_labels",
                "params:classes",
                "params:cutouts",
                "params:split",
            ],
            outputs=[
                "images",
                "network_images",
                "galaxies",
                "rejected_galaxies",
                "archive_summary",
            ],
            name="read_and_split_galaxies",
        ),
        Node(
            reading.draw_class_counts,
            inputs=["galaxies", "params:classes"],
            outputs="class_counts_figure",
            name="draw_class_counts",
        ),
        Node(
            reading.draw_cutout_sheets,
            inputs=["images", "galaxies", "params:classes", "params:cutout_sheet"],
            outputs="cutouts_figure",
            name="draw_cutout_sheets",
        ),
        Node(
            reading.write_data_section,
            inputs=["class_counts_figure", "cutouts_figure", "rejected_galaxies"],
            outputs="data_section",
            name="write_data_section",
        ),
    ]


def _measuring() -> list[Node]:
    """From ``images`` and ``galaxies`` to ``features``."""
    return [
        Node(
            measuring.measure_galaxies,
            inputs=["images", "galaxies"],
            outputs="features",
            name="measure_galaxies",
        ),
    ]
