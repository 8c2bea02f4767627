"""The graph of explainability."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.pipelines.explainability import checks, nodes


def create_pipeline() -> Pipeline:
    """From the classifier, its images and predictions to ``attributions`` and their quality."""
    explain_inputs = ["classifier", "explained_cutouts", "explained_galaxies", "params:classes"]
    return Pipeline(
        [
            Node(
                nodes.choose_galaxies,
                inputs=["predictions", "galaxies", "images", "params:explained_galaxies"],
                outputs=["explained_galaxies", "explained_cutouts"],
                name="choose_galaxies",
            ),
            Node(
                nodes.explain_galaxies,
                inputs=[*explain_inputs, "params:explanations"],
                outputs=["attributions", "attribution_reliability"],
                name="explain_galaxies",
            ),
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
                    "explained_cutouts",
                    "explained_galaxies",
                    "attributions",
                    "params:classes",
                    "params:checks",
                ],
                outputs=["faithfulness", "faithfulness_curves"],
                name="measure_faithfulness",
            ),
            Node(
                checks.measure_place,
                inputs=[
                    "explained_cutouts",
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
                inputs=[*explain_inputs, "params:checks", "params:explanations"],
                outputs="stability",
                name="measure_stability",
            ),
            Node(
                checks.check_sanity,
                inputs=[*explain_inputs, "params:checks", "params:explanations"],
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
                nodes.draw_explanations,
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
        ],
        namespace="explainability",
        prefix_datasets_with_namespace=False,
    )
