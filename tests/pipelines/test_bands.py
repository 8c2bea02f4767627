"""Whole runs of networks that see the bands of a survey, and what its files may lack."""

from io import BytesIO
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from conftest import run_project
from formats import write_folder
from numpy.typing import NDArray
from survey import draw_galaxy

from galaxy_morphology.networks import predict_logits

NOISE = 0.02


def band_of(rng: np.random.Generator, axis_ratio: float) -> NDArray[np.float32]:
    """A galaxy in nanomaggies on a sky of 0."""
    picture = draw_galaxy(rng, axis_ratio=axis_ratio, noise=0.0)[..., 0].astype(np.float32)
    return np.asarray((picture - 15) / 50 + rng.normal(0, NOISE, picture.shape), np.float32)


def write_band_survey(folder: Path, n_galaxies: int, bands: str) -> None:
    """FITS cut-outs with a plane for each band, and the list of their labels; 0 is round."""
    rng = np.random.default_rng(5)
    files = {}
    for row in range(n_galaxies):
        cube = np.stack([band_of(rng, 0.3 if row % 2 else 0.95) for _ in bands])
        file = BytesIO()
        header = fits.Header({"BANDS": bands}) if len(bands) > 1 else fits.Header({"BAND": bands})
        fits.PrimaryHDU(cube, header).writeto(file)
        files[f"{row}.fits"] = file.getvalue()
    rows = [f"{row},{row % 2}" for row in range(n_galaxies)]
    files["2class_list.csv"] = "\n".join(["CATAID,TARGET", *rows]).encode()
    write_folder(folder / "01_raw", files)


def of_pictures(bands: list[str]) -> dict[str, Any]:
    """How pictures are made of some bands."""
    return {"cutouts.fits.bands": bands, "cutouts.fits.scale": 0.5,
            "cutouts.fits.black_level": -0.05}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("bands", ["r", "ugriz"])
def test_a_whole_run_on_the_bands_of_a_survey(bands: str, tmp_path: Path) -> None:
    write_band_survey(tmp_path, 60, bands)
    changes = of_pictures(list(bands[-3:][::-1])) | {"cutouts.channels": list(bands)}
    run_project(tmp_path, env="legacy_survey", changes=changes)
    images, seen = (
        np.load(tmp_path / f"05_model_input/{name}.npy") for name in ("images", "bands")
    )
    assert (images.dtype, images.shape) == (np.uint8, (60, 32, 32, 3))
    assert (seen.dtype, seen.shape) == (np.float16, (60, 32, 32, len(bands)))
    # Saved and loaded, it takes the bands as they are.
    classifier = keras.models.load_model(tmp_path / "06_models/classifier.keras", safe_mode=True)
    logits = pd.read_parquet(tmp_path / "07_model_output/logits.parquet")
    again = classifier.predict(seen.astype(np.float32), verbose=0)[:, 0]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits["logit"])), again, atol=1e-5)
    np.testing.assert_allclose(predict_logits(classifier, seen)[:, 0], logits["logit"], atol=1e-5)
    maps = dict(np.load(tmp_path / "07_model_output/attributions.npz"))
    of_bands = [maps[f"integrated_gradients/{band}"] for band in bands]
    np.testing.assert_allclose(np.sum(of_bands, axis=0), maps["integrated_gradients"], atol=1e-5)
    assert all(np.isfinite(values).all() for name, values in maps.items() if name != "cataid")
    drawn = [path.name for path in (tmp_path / "08_reporting/attributions").iterdir()]
    assert any(name.startswith("integrated_gradients_by_band_") for name in drawn)
    quality = pd.read_csv(tmp_path / "08_reporting/explanation_quality.csv")
    assert quality["faithfulness"].notna().all()
    # Without channels, the pictures are seen, and no bands are left to be mistaken for them.
    run_project(tmp_path, "data_processing", env="legacy_survey", changes=of_pictures(["r"]))
    assert not (tmp_path / "05_model_input/bands.npy").exists()
