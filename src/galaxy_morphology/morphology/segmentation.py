"""Which pixels of a cut-out belong to the galaxy in the middle, and which to its neighbours."""

import warnings

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.sky import FRAME_WIDTH, sky_colour
from galaxy_morphology.typing import FloatArray

SKY, TARGET, NEIGHBOUR = 0, 1, 2

SMOOTHING_FWHM = 2.5  # px
"""About the seeing, which nothing in the sky is sharper than."""
THRESHOLD = 3.0
"""How many standard deviations above the sky a pixel is part of a source."""
LEAST_PEAK = 6.0
"""How many standard deviations above the sky a source reaches somewhere."""
LEAST_NOISE = 0.5
"""Counts. Less than the rounding to eight bits hides is no noise to measure by."""
LEAST_PIXELS = 8
"""Smaller sources are noise."""
LEVELS, CONTRAST = 24, 0.002
"""Of the deblending: how finely it looks for peaks, and the least share of light of one."""
SHALLOW = 0.75
"""A dip that keeps this share of the brightness of a peak lies within a galaxy."""
SHALLOW_IN_NOISE = 3.0
"""So does a dip below a peak by no more standard deviations of the sky than these."""
REACH = 4  # px
"""How far from the middle of the frame the target may lie."""


def segment(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tell the galaxy in the middle of a cut-out from the sky and from its neighbours.

    Sources are connected pixels brighter than the noise of the frame, after smoothing. Where
    one of them covers the middle, it is taken apart at its dips (multi-threshold deblending,
    Bertin & Arnouts 1996, A&AS 117, 393). That cuts arms and knots off a spiral too, so pieces
    behind a dip that is only shallow are put back.

    Args:
        image: uint8 [height, width, 3], RGB.

    Returns:
        uint8 [height, width]: 0 sky, 1 target, 2 neighbours: stars and other galaxies. Without
        a source in the middle, nothing is target.
    """
    from photutils.segmentation import detect_sources
    from photutils.utils.exceptions import NoDetectionsWarning

    smooth = _smoothed(brightness_above_sky(image))
    # Where a stretch cuts the noise off at black, its mean lies above the median of the colours.
    smooth -= np.median(_frame(smooth))
    noise = max(noise_of_frame(smooth), LEAST_NOISE)
    parts = np.full(smooth.shape, SKY, np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        sources = detect_sources(smooth, THRESHOLD * noise, LEAST_PIXELS)
    if sources is None:
        return parts
    labels = _without_faint(sources.data, smooth, LEAST_PEAK * noise)
    parts[labels > 0] = NEIGHBOUR
    middle = _label_in_the_middle(labels)
    if middle:
        parts[_central_piece(labels == middle, smooth, noise)] = TARGET
    return parts


def brightness_above_sky(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean of the channels less the median of the frame, counts [height, width]."""
    return np.asarray(colours_above_sky(image).mean(axis=-1))


def colours_above_sky(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The channels less the median colour of the frame, counts [height, width, 3]."""
    return np.asarray(image - sky_colour(image[None])[0], np.float64)


def noise_of_frame(brightness: FloatArray) -> float:
    """Standard deviation in the frame of an image [height, width], in its units.

    It comes from the median absolute deviation, which neighbours in the frame hardly change.
    """
    frame = _frame(brightness)
    return float(1.4826 * np.median(np.abs(frame - np.median(frame))))


def _frame(brightness: FloatArray) -> FloatArray:
    """The pixels of the frame, [pixels]."""
    is_frame = np.ones(brightness.shape, bool)
    is_frame[FRAME_WIDTH:-FRAME_WIDTH, FRAME_WIDTH:-FRAME_WIDTH] = False
    return brightness[is_frame]


def _smoothed(brightness: FloatArray) -> NDArray[np.float64]:
    from astropy.stats import gaussian_fwhm_to_sigma
    from scipy.ndimage import gaussian_filter

    sigma = SMOOTHING_FWHM * gaussian_fwhm_to_sigma
    return np.asarray(gaussian_filter(brightness, sigma, mode="nearest"), np.float64)


def _without_faint(
    labels: NDArray[np.int32], smooth: FloatArray, least_peak: float
) -> NDArray[np.int32]:
    """The sources that rise to a peak; the others are sky."""
    from scipy.ndimage import maximum

    peaks = np.asarray(maximum(smooth, labels, np.arange(labels.max() + 1)))
    return np.where(peaks[labels] >= least_peak, labels, 0)


def _label_in_the_middle(labels: NDArray[np.int32]) -> int:
    """Label of the source nearest to the middle of the frame and not far from it, else 0."""
    y, x = np.indices(labels.shape)
    height, width = labels.shape
    away = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2)
    away[labels == 0] = np.inf
    nearest = away.argmin()
    return int(labels.flat[nearest]) if away.flat[nearest] <= REACH else 0


def _central_piece(
    source: NDArray[np.bool_], smooth: FloatArray, noise: float
) -> NDArray[np.bool_]:
    """Where the galaxy in the middle is in the source that covers it."""
    from photutils.segmentation import SegmentationImage, deblend_sources
    from scipy.ndimage import binary_dilation, maximum

    pieces = deblend_sources(
        smooth,
        SegmentationImage(source.astype(np.int32)),
        LEAST_PIXELS,
        n_levels=LEVELS,
        contrast=CONTRAST,
        mode="linear",  # the stretch of the colours is close to logarithmic already
        progress_bar=False,
    ).data
    galaxy = pieces == _label_in_the_middle(pieces)
    others = set(np.unique(pieces[~galaxy]).tolist()) - {0}
    peaks = {label: float(maximum(smooth, pieces, label)) for label in others}
    enough = {
        label: min(SHALLOW * peak, peak - SHALLOW_IN_NOISE * noise) for label, peak in peaks.items()
    }
    while others:
        edge = binary_dilation(galaxy, np.ones((3, 3))) & ~galaxy
        behind_a_shallow_dip = {
            label
            for label in others
            if smooth[edge & (pieces == label)].max(initial=0) >= enough[label]
        }
        if not behind_a_shallow_dip:
            break
        galaxy |= np.isin(pieces, list(behind_a_shallow_dip))
        others -= behind_a_shallow_dip
    return np.asarray(galaxy)
