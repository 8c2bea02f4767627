"""Classes overlap as they do on the sky: a few numbers per galaxy do not tell them apart."""

from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from galaxy_morphology.simulation import draw_survey, draw_truth


def features_of(cutout: NDArray[Any]) -> list[float]:
    """Two colours, concentration and axis ratio of the object in the middle of a cut-out."""
    image = cutout.astype(float)
    frame = np.concatenate([image[:4], image[-4:]]).reshape(-1, 3)
    image -= np.median(frame, axis=0)
    brightness = gaussian_filter(image.sum(axis=-1), 1.5)
    objects, _ = label(brightness > max(1.5 * np.std(gaussian_filter(frame.sum(axis=-1), 1.5)), 3))
    middle = len(image) // 2
    number = objects[middle - 4 : middle + 4, middle - 4 : middle + 4].max()
    inside = objects == number if number else brightness == brightness.max()
    red, green, blue = np.maximum(image[inside].sum(axis=0), 1)
    places, weights = np.array(np.nonzero(inside)), brightness[inside]
    centre = np.average(places, axis=1, weights=weights)
    minor, major = np.linalg.eigvalsh(np.cov(places, aweights=np.maximum(weights, 1e-6)))
    distance = np.hypot(*(places - centre[:, None]))
    order = np.argsort(distance)
    growth = np.cumsum(weights[order])
    r20, r80 = np.interp([0.2, 0.8], growth / growth[-1], distance[order])
    # A dead band would have an endless colour, which a linear model cannot pass over.
    colours = np.clip([np.log(red / green), np.log(green / blue)], -1, 1)
    return [*colours, np.log(r80 / max(r20, 0.5)), np.sqrt(minor / major)]


@pytest.mark.slow
def test_colour_concentration_and_axis_ratio_err_in_a_sixth_of_the_galaxies(
    populations: dict[str, Any], observation: dict[str, Any]
) -> None:
    truth = draw_truth(populations, observation, n_galaxies=500, label_error_rate=0.0, seed=7)
    archive, _ = draw_survey(truth, observation, seed=7, side=128)
    features = []
    for encoded in archive.cutouts.values():
        cutout = np.asarray(cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB))
        features.append(features_of(cv2.resize(cutout, (128, 128), interpolation=cv2.INTER_AREA)))
    model = make_pipeline(StandardScaler(), LogisticRegression())
    accuracy = cross_val_score(model, pd.DataFrame(features), truth["true_target"], cv=5).mean()
    # The aim is 0.80 to 0.88; of 500 galaxies, it is known to 0.034 at 95 %.
    assert 0.77 < accuracy < 0.91
