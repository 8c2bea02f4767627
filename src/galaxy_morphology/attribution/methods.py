"""The methods by name, each in a file with its options."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from galaxy_morphology.attribution.agreement import Explain
from galaxy_morphology.attribution.grad_cam import grad_cam
from galaxy_morphology.attribution.integrated_gradients import integrated_gradients
from galaxy_morphology.attribution.kernel_shap import kernel_shap
from galaxy_morphology.attribution.lime import lime
from galaxy_morphology.attribution.occlusion import occlusion
from galaxy_morphology.attribution.rise import rise
from galaxy_morphology.typing import Attribution, FloatArray, Images, IntArray, KerasModel

METHODS: dict[str, Callable[..., Attribution]] = {
    "grad_cam": grad_cam,
    "integrated_gradients": integrated_gradients,
    "lime": lime,
    "occlusion": occlusion,
    "kernel_shap": kernel_shap,
    "rise": rise,
}
"""The methods that parameters can name. Each takes a classifier, its images, the classes to
explain, and options of its own, whose hints say what values they may have."""


def explainer(name: str, **options: Any) -> Explain:
    """A method and its options, ready to be asked again.

    Args:
        name: One of ``METHODS``.
        **options: Of that method.

    Returns:
        A function from a classifier, images [N, height, width, channels] and classes int [N] to
        maps [N, height, width]; channels are added up.

    Raises:
        ValueError: There is no method of that name.
    """
    if name not in METHODS:
        raise ValueError(f"Found method {name!r}; expected one of {', '.join(METHODS)}.")

    def explain(
        model: KerasModel, images: Images | FloatArray, class_indices: IntArray
    ) -> FloatArray:
        maps = METHODS[name](model, images, class_indices, **options).maps
        return np.asarray(maps if maps.ndim == 3 else maps.sum(axis=-1))

    return explain


def titles_of(reliability: pd.DataFrame) -> dict[str, str]:
    """What each method is called on the network that it explained.

    Args:
        reliability: A row per galaxy and method: columns ``method`` and ``title``.

    Returns:
        Titles by method, in the order of the table.
    """
    first = reliability.drop_duplicates("method")
    return dict(zip(first["method"], first["title"], strict=True))
