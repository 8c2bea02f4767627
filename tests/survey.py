"""Small surveys for tests: galaxies drawn with a few Gaussians, and archives to put them in."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def draw_galaxy(
    rng: np.random.Generator, *, axis_ratio: float, side: int = 48, noise: float = 4.0
) -> NDArray[np.uint8]:
    """A Gaussian blob of a random orientation on a noisy sky, uint8 RGB."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    angle = rng.uniform(0, np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    width = side / 8
    light = np.exp(-((along / width) ** 2 + (across / (width * axis_ratio)) ** 2) / 2)
    colour = rng.uniform(120, 200, 3)
    image = 15 + light[..., None] * colour + rng.normal(0, noise, (side, side, 3))
    return np.asarray(np.clip(image, 0, 255), np.uint8)


def encode(image: NDArray[np.integer[Any]], suffix: str = ".png") -> bytes:
    """An image file holding an RGB (or greyscale, or RGBA) array."""
    codes = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    stored = cv2.cvtColor(image, codes[image.shape[2]]) if image.ndim == 3 else image
    succeeded, encoded = cv2.imencode(suffix, stored)
    assert succeeded
    return bytes(encoded)


def write_archive(
    path: Path,
    cutouts: Mapping[int, bytes],
    labels: str | bytes,
    *,
    folder: str = "GALAXIES",
    label_file: str = "2class_list.csv",
    others: Mapping[str, bytes] | None = None,
) -> Path:
    """A zip in the layout of GALAXIES.zip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{folder}/{label_file}", labels)
        for cataid, encoded in cutouts.items():
            archive.writestr(f"{folder}/DATA/{cataid}_giH.png", encoded)
        for name, content in (others or {}).items():
            archive.writestr(name, content)
    return path


def write_survey(
    path: Path, n_galaxies: int, *, side: int = 48, seed: int = 0, n_damaged: int = 0
) -> Path:
    """An archive of round (0) and elongated (1) galaxies in turn, CATAIDs from 100000.

    The cut-outs of the first ``n_damaged`` cannot be decoded.
    """
    rng = np.random.default_rng(seed)
    targets = np.arange(n_galaxies) % 2
    cataids = 100000 + np.arange(n_galaxies)
    cutouts = {
        int(cataid): encode(draw_galaxy(rng, axis_ratio=0.3 if target else 0.95, side=side))
        for cataid, target in zip(cataids, targets, strict=True)
    }
    cutouts |= {int(cataid): b"damaged" for cataid in cataids[:n_damaged]}
    rows = [f"{cataid},{target}" for cataid, target in zip(cataids, targets, strict=True)]
    return write_archive(path, cutouts, "\n".join(["CATAID,TARGET", *rows]))
