"""What a comparison of classifiers comes to, in sentences."""

from typing import Any

from galaxy_morphology.report.rendering import render


def conclusion(found: dict[str, Any]) -> str:
    """Say which classifier is best, how it stands to the reference, and what baselines reach.

    Args:
        found: What a comparison comes to, as :func:`conclude_comparison` returns it.

    Returns:
        A section of HTML.
    """
    return render("comparison.html.j2", found=found)
