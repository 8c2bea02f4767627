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
from galaxy_morphology.imaging.labels import clean_labels, named_rows
from galaxy_morphology.imaging.reading import angles_by_galaxy, facts_of, read_cutouts, side_by_side
from galaxy_morphology.imaging.split import split_galaxies
from galaxy_morphology.imaging.votes import clean_votes

__all__ = [
    "BandName",
    "Cutout",
    "FitsColours",
    "UnknownWhiteLevelError",
    "UnusableCutoutError",
    "angles_by_galaxy",
    "clean_labels",
    "clean_votes",
    "facts_of",
    "named_rows",
    "prepare_cutout",
    "read_cutout",
    "read_cutouts",
    "resize",
    "side_by_side",
    "split_galaxies",
    "square",
]
