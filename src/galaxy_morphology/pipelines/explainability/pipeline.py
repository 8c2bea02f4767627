"""The graph of explainability."""

from kedro.pipeline import Node, Pipeline

from galaxy_morphology.pipelines.explainability import nodes


def create_pipeline() -> Pipeline:
    """From the classifier, its images and predictions to ``attributions`` and figures."""
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
                nodes.explain_with_grad_cam,
                inputs=[*explain_inputs, "params:grad_cam"],
                outputs="grad_cam_attribution",
                name="explain_with_grad_cam",
            ),
            Node(
                nodes.explain_with_integrated_gradients,
                inputs=[*explain_inputs, "params:integrated_gradients"],
                outputs="integrated_gradients_attribution",
                name="explain_with_integrated_gradients",
            ),
            Node(
                nodes.explain_with_lime,
                inputs=[*explain_inputs, "params:lime"],
                outputs="lime_attribution",
                name="explain_with_lime",
            ),
            Node(
                nodes.collect_attributions,
                inputs=[
                    "explained_galaxies",
                    "grad_cam_attribution",
                    "integrated_gradients_attribution",
                    "lime_attribution",
                ],
                outputs=["attributions", "explanation_quality"],
                name="collect_attributions",
            ),
            Node(
                nodes.draw_explanations,
                inputs=[
                    "explained_cutouts",
                    "explained_galaxies",
                    "attributions",
                    "explanation_quality",
                ],
                outputs=[
                    "explanations_figure",
                    "grad_cam_figure",
                    "integrated_gradients_figure",
                    "lime_figure",
                ],
                name="draw_explanations",
            ),
        ],
        namespace="explainability",
        prefix_datasets_with_namespace=False,
    )
