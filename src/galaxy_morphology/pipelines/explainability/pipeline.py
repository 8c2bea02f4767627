"""The graph of explainability."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.boxes import box
from galaxy_morphology.pipelines.explainability import attribution, checks

EXPLAIN_INPUTS = ["classifier", "explained_network_images", "explained_galaxies",
                  "params:classes", "params:prediction"]  # fmt: skip


def create_pipeline() -> Pipeline:
    """From the classifier, its images and predictions to ``attributions`` and their quality."""
    between = {"explained_galaxies", "explained_cutouts", "explained_network_images"}
    others_read = {"attributions", "attribution_reliability", "explanation_summary",
                   "explainability_section"}  # fmt: skip
    boxes = [
        box("attribution", _attribution(), between | others_read),
        box("checks", _checks(), between | others_read),
    ]
    return box("explainability", boxes, others_read)


def _attribution() -> list[Node]:
    """From the classifier, its images and predictions to ``attributions``."""
    return [
        Node(
            attribution.choose_galaxies,
            inputs=[
                "predictions",
                "galaxies",
                "images",
                "network_images",
                "params:explained_galaxies",
            ],
            outputs=["explained_galaxies", "explained_cutouts", "explained_network_images"],
            name="choose_galaxies",
        ),
        Node(
            attribution.explain_galaxies,
            inputs=[*EXPLAIN_INPUTS, "params:explanations", "params:cutouts.channels"],
            outputs=["attributions", "attribution_reliability"],
            name="explain_galaxies",
        ),
    ]


def _checks() -> list[Node]:
    """From ``attributions`` to how far they can be trusted."""
    return [
        Node(
            checks.segment_cutouts,
            inputs="explained_cutouts",
            outputs="segmentation",
            name="segment_cutouts",
        ),
        Node(
            checks.measure_faithfulness,
            inputs=[
                "classifier",
                "explained_network_images",
                "explained_galaxies",
                "attributions",
                "params:classes",
                "params:prediction",
                "params:checks",
            ],
            outputs=["faithfulness", "faithfulness_curves"],
            name="measure_faithfulness",
        ),
        Node(
            checks.measure_place,
            inputs=[
                "explained_network_images",
                "explained_galaxies",
                "attributions",
                "segmentation",
                "params:checks",
            ],
            outputs="place",
            name="measure_place",
        ),
        Node(
            checks.measure_stability,
            inputs=[*EXPLAIN_INPUTS, "params:checks", "params:explanations"],
            outputs="stability",
            name="measure_stability",
        ),
        Node(
            checks.check_sanity,
            inputs=[*EXPLAIN_INPUTS, "params:checks", "params:explanations"],
            outputs="explanation_sanity",
            name="check_sanity",
        ),
        Node(
            checks.measure_agreement,
            inputs=["explained_galaxies", "attributions", "params:checks"],
            outputs="explanation_agreement",
            name="measure_agreement",
        ),
        Node(
            checks.collect_quality,
            inputs=[
                "attribution_reliability",
                "faithfulness",
                "place",
                "stability",
                "explanation_sanity",
                "explained_galaxies",
                "params:evaluation",
            ],
            outputs=["explanation_quality", "explanation_summary"],
            name="collect_quality",
        ),
        Node(
            checks.draw_explanations,
            inputs=[
                "explained_cutouts",
                "explained_galaxies",
                "attributions",
                "attribution_reliability",
                "explanation_quality",
                "segmentation",
            ],
            outputs=["explanations_figure", "explanation_pages", "attribution_sheets"],
            name="draw_explanations",
        ),
        Node(
            checks.draw_checks,
            inputs=[
                "explanation_quality",
                "explanation_summary",
                "faithfulness_curves",
                "explanation_sanity",
                "explanation_agreement",
                "attribution_reliability",
                "explained_galaxies",
            ],
            outputs=[
                "faithfulness_figure",
                "attribution_reliability_figure",
                "place_figure",
                "stability_figure",
                "sanity_figure",
                "agreement_figure",
            ],
            name="draw_checks",
        ),
        Node(
            checks.write_explainability_section,
            inputs=[
                "explanations_figure",
                "explanation_pages",
                "attribution_sheets",
                "faithfulness_figure",
                "attribution_reliability_figure",
                "place_figure",
                "stability_figure",
                "sanity_figure",
                "agreement_figure",
                "explained_galaxies",
                "attributions",
                "attribution_reliability",
                "explanation_quality",
                "explanation_summary",
            ],
            outputs="explainability_section",
            name="write_explainability_section",
        ),
    ]
