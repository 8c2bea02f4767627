"""What nodes of explainability refuse by themselves, as where they are called in a notebook."""

import numpy as np
import pandas as pd
import pytest

from galaxy_morphology.pipelines.explainability.attribution import choose_galaxies
from galaxy_morphology.pipelines.explainability.checks import _which_to_trust
from galaxy_morphology.pipelines.explainability.options import ExplainedGalaxiesOptions


def test_predictions_of_other_galaxies_are_refused() -> None:
    options = ExplainedGalaxiesOptions(
        split="test", galaxies_per_group=1, cataids=(), n_measured=2, seed=0
    )
    with pytest.raises(ValueError, match=r"of 2 galaxies, the images of 3.*modelling,evaluation"):
        choose_galaxies(
            pd.DataFrame({"cataid": [1, 2]}),
            pd.DataFrame({"cataid": [1, 2, 3]}),
            np.zeros((3, 8, 8, 3), np.uint8),
            np.zeros((3, 8, 8, 3), np.uint8),
            options,
        )


def test_methods_are_trusted_that_are_more_faithful_than_every_control() -> None:
    summary = pd.DataFrame(
        [
            {
                "measure": f"faithfulness_over_{control}",
                "method": method,
                "group": group,
                "low": low,
            }
            for control in ("random", "centre", "brightness", "another")
            for group in ("all", "wrong")
            for method, low in (
                ("grad_cam", 0.1 if group == "all" else -0.1),
                ("lime", -0.1 if control == "centre" else 0.1),
            )
        ]
    )
    titles = {"grad_cam": "Grad-CAM", "lime": "LIME"}
    assert _which_to_trust(summary, titles) == (
        "Maps by Grad-CAM are more faithful than those of every control. "
        "Those by LIME are not surely so."
    )
    assert _which_to_trust(summary.assign(low=-0.1), titles).startswith("The maps of no method")
