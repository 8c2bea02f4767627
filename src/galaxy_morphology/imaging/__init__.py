"""From an archive of galaxies to arrays: read, check, resize, split."""

from galaxy_morphology.imaging.colours import BandName, FitsColours
from galaxy_morphology.imaging.cutouts import (
    Cutout,
    UnknownWhiteLevelError,
    prepare_cutout,
    read_cutout,
    resize,
    square,
)
from galaxy_morphology.imaging.decoding import UnusableCutoutError
from galaxy_morphology.imaging.labels import clean_labels
from galaxy_morphology.imaging.reading import read_cutouts
from galaxy_morphology.imaging.split import split_galaxies
from galaxy_morphology.imaging.votes import clean_votes

__all__ = [
    "BandName",
    "Cutout",
    "FitsColours",
    "UnknownWhiteLevelError",
    "UnusableCutoutError",
    "clean_labels",
    "clean_votes",
    "prepare_cutout",
    "read_cutout",
    "read_cutouts",
    "resize",
    "split_galaxies",
    "square",
]
