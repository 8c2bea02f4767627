"""What nodes of explainability refuse by themselves, as where they are called in a notebook."""

import numpy as np
import pandas as pd
import pytest

from galaxy_morphology.pipelines.explainability.attribution import choose_galaxies
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
