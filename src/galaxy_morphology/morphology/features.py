"""Shape, size and colours of galaxies, measured on their cut-outs.

The pixels are colours stretched to eight bits, not fluxes. All measures are therefore relative
ones of the cut-out, to compare with those of other cut-outs made the same way: magnitudes have
an arbitrary zero point, and a stretch that brightens faint parts makes galaxies look larger and
less concentrated than they are. It is no photometry.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.morphology.segmentation import (
    NEIGHBOUR,
    SKY,
    TARGET,
    brightness_above_sky,
    colours_above_sky,
    noise_of_frame,
    segment,
)
from galaxy_morphology.progress import progress_bar
from galaxy_morphology.typing import FloatArray, Images

GALAXIES_AT_A_TIME = 32
MEASURES = [
    "concentration",
    "asymmetry",
    "gini",
    "m20",
    "ellipticity",
    "half_light_radius_px",
    "surface_brightness",
    "magnitude",
    "colour_red_green",
    "colour_green_blue",
    "colour_gradient_red_blue",
    "neighbour_share",
]
WHY_MISSING = {
    "asymmetry": "nothing opposite to compare with",
    "gini": "a single pixel",
    "m20": "a fifth of the light in one pixel",
}
CHANNELS = "red", "green", "blue"
SIGNIFICANT = 3.0
"""How many standard deviations of its noise a sum of counts exceeds to be light."""
LONGEST_SEARCH = 8
"""Steps of half a pixel from the centroid to the centre of least asymmetry. Far from it, what
is compared is no longer the galaxy."""
RADII = 40
"""Of the apertures that measure a growth curve."""


def measure_galaxies(
    images: Images, galaxies: pd.DataFrame, *, n_processes: int = -1
) -> pd.DataFrame:
    """Measure every galaxy on its own cut-out, on all cores.

    Everything is measured on the pixels that :func:`segment` gives to the galaxy. What cannot be
    measured is missing (NaN), and ``measurement_flag`` says why.

    Args:
        images: uint8 [N, height, width, 3], RGB; may be memory-mapped, for a batch of galaxies
            is read at a time.
        galaxies: A row per image: ``cataid``; ``width`` and ``height`` of the cut-out as it
            came, px, whose longer side became the side of the image; and ``arcsec_per_pixel``
            of it, NaN where it is not known.
        n_processes: How many processes measure, -1 for one on each core. It changes nothing
            but the time.

    Returns:
        A row per galaxy, in order, with these columns, counts being the mean of the channels:

        - ``cataid``;
        - ``concentration``, ``asymmetry``, ``gini``, ``m20``, ``ellipticity``: see the functions
          of these names;
        - ``half_light_radius_px``: of the circle with half of the light; pixels of the cut-out
          as it came;
        - ``half_light_radius_arcsec``: the same, arcsec; missing where the scale is not known;
        - ``surface_brightness``: mean within that circle, -2.5 log10 of counts per pixel;
        - ``magnitude``: -2.5 log10 of all counts in the pixels of the cut-out as it came;
        - ``colour_red_green``, ``colour_green_blue``: -2.5 log10 of the ratio of two channels;
          negative where the first is brighter, so a red galaxy has negative ones;
        - ``colour_gradient_red_blue``: -2.5 log10 of red over blue, within the half-light radius
          less beyond it; negative where the middle is redder;
        - ``neighbour_share``: of the counts in all sources, what lies in neighbours;
        - ``touches_edge``: whether the galaxy reaches the edge of the image;
        - ``measurement_flag``: reasons in words why something is missing, empty for none.

    Raises:
        ValueError: There is not one galaxy for each image.
    """
    from joblib import Parallel, delayed

    if len(images) != len(galaxies):
        raise ValueError(f"There are {len(images)} images, but {len(galaxies)} galaxies.")
    workers = Parallel(n_processes, return_as="generator", pre_dispatch="2 * n_jobs")
    measured = workers(delayed(_measure_some)(some) for some in _batches(images))
    rows = []
    with progress_bar(total=len(images), desc="Measuring galaxies", unit="galaxy") as progress:
        for some_rows in measured:
            rows += some_rows
            progress.update(len(some_rows))
    columns = [*MEASURES, "touches_edge", "measurement_flag"]
    table = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(MEASURES, np.float64))
    table.insert(0, "cataid", galaxies["cataid"].to_numpy())
    table = _in_pixels_as_they_came(table, galaxies, images.shape[1])
    return table.astype({"touches_edge": bool, "measurement_flag": str})


def measure(image: NDArray[np.uint8]) -> dict[str, float | bool | str]:
    """Measure one galaxy.

    Args:
        image: uint8 [height, width, 3], RGB, of any content.

    Returns:
        The columns of :func:`measure_galaxies` by name, but for ``cataid``, in pixels of the
        image.
    """
    parts = segment(image)
    inside = parts == TARGET
    brightness = brightness_above_sky(image)
    bright = brightness.clip(min=0)
    measures: dict[str, float] = dict.fromkeys(MEASURES, np.nan)
    measures["neighbour_share"] = _ratio(
        bright[parts == NEIGHBOUR].sum(), bright[parts != SKY].sum()
    )
    if not inside.any():
        reasons = ["no source in the middle"]
    elif not _is_light(brightness[inside], noise_of_frame(brightness)):
        reasons = ["fainter than the noise"]
    else:
        measures["asymmetry"], centre = asymmetry(brightness, parts)
        light = np.where(inside, bright, 0)
        measures |= _light_profile(light, centre)
        measures["gini"] = gini(light[inside])
        measures["m20"] = m20(light)
        measures["ellipticity"] = ellipticity(light)
        within = inside & (_distance(inside.shape, centre) <= measures["half_light_radius_px"])
        colours, reasons = _colours(image, inside, within)
        measures |= colours
        reasons += [why for name, why in WHY_MISSING.items() if np.isnan(measures[name])]
    off_the_edge = inside[1:-1, 1:-1]
    return {
        **measures,
        "touches_edge": bool(inside.sum() > off_the_edge.sum()),
        "measurement_flag": "; ".join(reasons),
    }


def asymmetry(
    brightness: FloatArray, parts: NDArray[np.uint8]
) -> tuple[float, tuple[float, float]]:
    """How much of a galaxy changes when it is turned by half a turn.

    The sum of |I - I180| over that of |I|, less what the noise of the sky adds to it, about the
    centre where it is least (Conselice et al. 2000, ApJ 529, 886; normalised as by Conselice
    2003, ApJS 147, 1). Centres are pixels, their edges and their corners, where nothing needs
    to be interpolated, which would smooth the noise away at some centres and not at others.

    Args:
        brightness: Counts above the sky, [height, width].
        parts: What :func:`segment` returns. Compared are the target's pixels and those opposite;
            where either is a neighbour's, the pair does not count.

    Returns:
        The asymmetry, 0 for none, a little less where the noise happens to be symmetric, NaN
        where there is nothing to compare, of the galaxy or of the sky; and the centre, y and x
        in pixels.
    """

    def compare(twice: tuple[int, int]) -> tuple[float, float]:
        here, here_is = (_around(twice, array) for array in (brightness, parts))
        there, there_is = here[::-1, ::-1], here_is[::-1, ::-1]
        change = np.abs(here - there)
        galaxy = ((here_is == TARGET) | (there_is == TARGET)) & (here_is != NEIGHBOUR)
        galaxy &= there_is != NEIGHBOUR
        sky = (here_is == SKY) & (there_is == SKY)
        all_light = np.abs(here[galaxy]).sum()
        of_the_sky = _ratio(change[sky].sum(), sky.sum()) * galaxy.sum()
        return _ratio(change[galaxy].sum(), all_light), _ratio(of_the_sky, all_light)

    light = np.where(parts == TARGET, brightness.clip(min=0), 0)
    y, x = (round(2 * place) for place in _centroid(light))
    compared: dict[tuple[int, int], tuple[float, float]] = {}
    for _ in range(LONGEST_SEARCH):
        around = [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        compared |= {place: compare(place) for place in around if place not in compared}
        # Where nothing can be compared is no minimum; among equals, the centre stays.
        best = min(around, key=lambda place: (_nan_last(compared[place][0]), place != (y, x)))
        if best == (y, x):
            break
        y, x = best
    whole, of_the_sky = compared[y, x]
    return whole - of_the_sky, (y / 2, x / 2)


def gini(light: FloatArray) -> float:
    """How unevenly light is spread over pixels: 0 evenly, 1 for all of it in one pixel.

    Lotz et al. 2004, AJ 128, 163; equation 6.

    Args:
        light: Counts of the pixels of a galaxy, not negative, [pixels].

    Returns:
        NaN for fewer than two pixels.
    """
    n = len(light)
    ranks = 2.0 * np.arange(1, n + 1) - n - 1
    return _ratio(np.sum(ranks * np.sort(light)), light.sum() * (n - 1))


def m20(light: FloatArray) -> float:
    """How far from the centre the brightest fifth of the light lies.

    Logarithm of the second moment of the brightest pixels that together have a fifth of the
    light, over that of all, about the centroid, where the latter is least (Lotz et al. 2004,
    AJ 128, 163; equations 7 and 8). The pixels of the brightness at which the fifth is reached
    count in part, all in the same part, so that the order among equals does not matter.

    Args:
        light: Counts of a galaxy, not negative, 0 outside of it, [height, width].

    Returns:
        Not above 0, mostly between -3 and -0.5; NaN where the whole fifth lies at the centroid.
    """
    moments = light * _distance(light.shape, _centroid(light)) ** 2
    _, which = np.unique(light, return_inverse=True)
    per_level = np.bincount(which.ravel(), light.ravel()).astype(np.float64)
    brighter = per_level[::-1].cumsum()[::-1] - per_level
    shares = np.clip(_quotients(0.2 * light.sum() - brighter, per_level), 0, 1)
    share = _ratio(np.sum(moments * shares[which.reshape(light.shape)]), moments.sum())
    return float(np.log10(share)) if share > 0 else np.nan


def ellipticity(light: FloatArray) -> float:
    """1 - b / a of the ellipse with the second moments of the light, [height, width]."""
    from photutils.segmentation import SegmentationImage, SourceCatalog

    source = SegmentationImage((light > 0).astype(np.int32))
    return float(SourceCatalog(light, source).ellipticity[0])


def growth_curve(
    light: FloatArray, centre: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The share of the light within circles.

    Args:
        light: Counts of a galaxy, 0 outside of it, [height, width].
        centre: Of the circles, y and x in pixels.

    Returns:
        Radii in pixels and the share within them, from 0 to 1, float64 [radii].
    """
    from photutils.profiles import CurveOfGrowth

    outermost = _distance(light.shape, centre)[light > 0].max() + 1
    radii = np.geomspace(0.25, outermost, RADII)
    within = CurveOfGrowth(light, centre[::-1], radii).profile
    return np.r_[0, radii], np.r_[0, within / light.sum()]


def _in_pixels_as_they_came(table: pd.DataFrame, galaxies: pd.DataFrame, side: int) -> pd.DataFrame:
    """What was measured in pixels of the images, in those of the cut-outs before resizing.

    Resizing keeps counts per pixel, so a pixel of an image has the light of all those of the
    cut-out that it covers.
    """
    pixel = galaxies[["width", "height"]].max(axis=1).to_numpy() / side
    radius = table["half_light_radius_px"] * pixel
    table = table.assign(
        half_light_radius_px=radius, magnitude=table["magnitude"] + _magnitude(pixel**2)
    )
    arcsec = radius * galaxies["arcsec_per_pixel"].to_numpy()
    place = table.columns.tolist().index("half_light_radius_px") + 1
    table.insert(place, "half_light_radius_arcsec", arcsec)
    return table


def _light_profile(light: FloatArray, centre: tuple[float, float]) -> dict[str, float]:
    """How the light is spread over circles, and how much of it there is.

    The concentration is 5 log10(r80 / r20), the radii of the circles with these percentages of
    the light (Conselice 2003, ApJS 147, 1), here of that in the galaxy's own pixels.
    """
    radii, shares = growth_curve(light, centre)
    r20, half, r80 = np.interp([0.2, 0.5, 0.8], shares, radii)
    return {
        "concentration": float(5 * np.log10(r80 / r20)),
        "half_light_radius_px": float(half),
        "surface_brightness": float(_magnitude(light.sum() / 2 / (np.pi * half**2))),
        "magnitude": float(_magnitude(light.sum())),
    }


def _colours(
    image: NDArray[np.uint8], inside: NDArray[np.bool_], within: NDArray[np.bool_]
) -> tuple[dict[str, float], list[str]]:
    """Colours of a galaxy and of its middle, and the channels that lack light for them."""
    above_sky = colours_above_sky(image)

    def magnitudes(where: NDArray[np.bool_]) -> list[float]:
        return [
            float(_magnitude(counts[where].sum())) if _is_light(counts[where], noise) else np.nan
            for counts, noise in zip(np.moveaxis(above_sky, -1, 0), noises, strict=True)
        ]

    noises = [noise_of_frame(above_sky[..., channel]) for channel in range(3)]
    red, green, blue = magnitudes(inside)
    (middle_red, _, middle_blue), (outer_red, _, outer_blue) = (
        magnitudes(within),
        magnitudes(inside & ~within),
    )
    colours = {
        "colour_red_green": red - green,
        "colour_green_blue": green - blue,
        "colour_gradient_red_blue": (middle_red - middle_blue) - (outer_red - outer_blue),
    }
    missing = [
        f"no light in the {name} channel"
        for name, magnitude in zip(CHANNELS, (red, green, blue), strict=True)
        if np.isnan(magnitude)
    ]
    if not missing and np.isnan(colours["colour_gradient_red_blue"]):
        missing = ["too little light for a colour gradient"]
    return colours, missing


def _batches(images: Images) -> Iterator[Images]:
    for start in range(0, len(images), GALAXIES_AT_A_TIME):
        # A view of a memory map would be sent as its file name, which may be gone by then.
        yield np.array(images[start : start + GALAXIES_AT_A_TIME])


def _measure_some(images: Images) -> list[dict[str, float | bool | str]]:
    return [measure(image) for image in images]


def _around(twice_centre: tuple[int, int], image: NDArray[Any]) -> NDArray[Any]:
    """The largest part of an image with this centre, of which twice the pixel is given."""
    return image[
        tuple(
            slice(max(0, twice - size + 1), max(0, twice + 1))
            for twice, size in zip(twice_centre, image.shape, strict=True)
        )
    ]


def _centroid(light: FloatArray) -> tuple[float, float]:
    """Of light that is somewhere above zero, y and x in pixels."""
    y, x = np.indices(light.shape)
    return float((y * light).sum() / light.sum()), float((x * light).sum() / light.sum())


def _distance(shape: tuple[int, ...], centre: tuple[float, float]) -> NDArray[np.float64]:
    """Of every pixel from a place, in pixels."""
    y, x = np.indices(shape)
    return np.asarray(np.hypot(y - centre[0], x - centre[1]))


def _is_light(counts: FloatArray, noise: float) -> bool:
    """Whether a sum of counts, with independent noise in each, is more than chance."""
    return bool(counts.sum() > SIGNIFICANT * noise * np.sqrt(counts.size))


def _magnitude(counts: Any) -> Any:
    return -2.5 * np.log10(counts)


def _nan_last(value: float) -> float:
    return math.inf if math.isnan(value) else value


def _quotients(of: FloatArray, by: FloatArray) -> NDArray[np.float64]:
    """Quotients, 0 where there is nothing to divide by."""
    return np.divide(of, by, out=np.zeros(np.shape(of)), where=by > 0)


def _ratio(of: Any, by: Any) -> float:
    """A quotient, NaN where there is nothing to divide by."""
    return float(of / by) if by > 0 else np.nan
