"""From the bands of a survey to the colours of a picture, the same way for every galaxy."""

from collections.abc import Callable
from typing import Annotated, Literal, Self

import cv2
import numpy as np
from annotated_types import Ge, Gt, Len
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, StrictInt, StrictStr, model_validator

from galaxy_morphology.imaging.decoding import UnusableCutoutError
from galaxy_morphology.sky import frame_pixels
from galaxy_morphology.typing import Share

WHITE = 255
FRACTION = 0.1
"""So much of the scale becomes so much of white, however soft the stretch."""
BRIGHTEST = 1e9
"""In units of the scale: more is white in any case, and need not overflow."""

Positive = Annotated[float, Gt(0)]
BandName = StrictStr | Annotated[StrictInt, Ge(0)]


class FitsColours(BaseModel):
    """How bands become colours.

    Attributes:
        bands: Which of them, by name or number, are red, green and blue. Of two, the mean is
            green; one is grey. None for all of a file, from the last to the first.
        stretch: ``lupton``, of the mean of the channels, which keeps colours (Lupton et al. 2004,
            PASP 116, 133); ``asinh``, of each channel by itself; or ``linear``.
        scale: A tenth of it above black becomes a tenth of white; in linear stretches it is
            white. In the units of the file, for all bands or for each of ``bands``. None for
            the 99.5th percentile of each cut-out, the same for all its bands.
        softening: Q of Lupton et al.: the higher, the less is bright as against what is faint.
        black_level: What becomes black, in the units of the file, for all bands or for each of
            ``bands``. None for what 95 % of the frame of each cut-out exceed.
        maximum_masked_share: Cut-outs of which more is masked are not used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    bands: Annotated[tuple[BandName, ...], Len(1, 3)] | None = None
    stretch: Literal["lupton", "asinh", "linear"] = "lupton"
    scale: Positive | tuple[Positive, ...] | None = 0.2
    softening: Positive = 8.0
    black_level: float | tuple[float, ...] | None = 0.0
    maximum_masked_share: Share = 0.1

    @model_validator(mode="after")
    def _a_number_for_each_band(self) -> Self:
        for name in ("scale", "black_level"):
            numbers = getattr(self, name)
            if isinstance(numbers, tuple) and len(numbers) != len(self.bands or ()):
                raise ValueError(
                    f"{name} has {len(numbers)} numbers for the bands {self.bands}: expected one "
                    "number, or one for each of `bands`"
                )
        return self


def to_colours(values: NDArray[np.float32], how: FitsColours) -> tuple[NDArray[np.uint8], float]:
    """The picture of a cut-out, and how much of it is masked.

    Where a band is masked, it has the median of its frame, see :func:`without_gaps`.

    Args:
        values: float32 [bands, height, width], of one to three bands, NaN where masked.
        how: What becomes of them.

    Returns:
        uint8 [height, width, 3], RGB; and the share of pixels that are masked in a band.

    Raises:
        UnusableCutoutError: Too much of it is masked.
    """
    values, share = without_gaps(values, how.maximum_masked_share)
    with np.errstate(over="ignore"):
        channels = _relative(values, how)
        np.clip(channels, -BRIGHTEST, BRIGHTEST, out=channels)
    if len(channels) == 2:
        channels = np.stack([channels[0], channels.mean(axis=0), channels[1]])
    STRETCHES[how.stretch](channels, np.float32(how.softening))
    eight_bits = [cv2.convertScaleAbs(channel, alpha=WHITE) for channel in channels]
    return np.asarray(cv2.merge(eight_bits * (3 // len(eight_bits))), np.uint8), share


def without_gaps(
    values: NDArray[np.float32], maximum_share: float
) -> tuple[NDArray[np.float32], float]:
    """Give masked pixels the median of the frame of their band.

    Args:
        values: float32 [bands, height, width], NaN where masked.
        maximum_share: Of the pixels, how many may be masked in a band.

    Returns:
        The values, and the share of pixels that are masked in a band.

    Raises:
        UnusableCutoutError: Too much of it is masked.
    """
    masked = np.isnan(values)
    share = float(masked.any(axis=0).mean()) if masked.any() else 0.0
    if share > maximum_share:
        raise UnusableCutoutError(
            f"masked: {share:.1%} of its pixels have no value in a band, at most "
            f"{maximum_share:.1%} allowed (cutouts.fits.maximum_masked_share)"
        )
    return (np.where(masked, _of_frame(values, 50), values) if share else values), share


def _relative(values: NDArray[np.float32], how: FitsColours) -> NDArray[np.float32]:
    """How far values are above black, in units of the scale."""

    def of_each_band(numbers: float | tuple[float, ...]) -> NDArray[np.float32]:
        return np.asarray(numbers, np.float32).reshape(-1, 1, 1)

    black = _of_frame(values, 5) if how.black_level is None else of_each_band(how.black_level)
    light = values - black
    if how.scale is None:
        highest = float(np.percentile(light.mean(axis=0), 99.5))
        light /= np.float32(highest if highest > 0 else 1)
    else:
        light /= of_each_band(how.scale)
    return light


def _of_frame(values: NDArray[np.float32], percentile: float) -> NDArray[np.float32]:
    """A percentile of what is not masked of the frame of each band, or else of all of it."""
    levels = []
    for frame, band in zip(frame_pixels(values[..., None])[..., 0], values, strict=True):
        known = frame[~np.isnan(frame)]
        levels.append(np.percentile(known if len(known) else band[~np.isnan(band)], percentile))
    return np.asarray(levels, np.float32).reshape(-1, 1, 1)


# Stretches work in place, from 0 for black and 1 for the scale to 0 and 1 for black and white. New
# arrays for every step would take several times as long.


def _lupton(channels: NDArray[np.float32], softening: np.float32) -> None:
    """The mean is stretched, and what would be brighter than white keeps its colour."""
    mean = channels.mean(axis=0)
    intensity = np.maximum(mean, np.finfo(np.float32).tiny)
    gain = intensity.copy()
    _soften(gain, softening)
    gain /= intensity
    gain *= mean > 0
    channels *= gain
    np.maximum(channels, 0, out=channels)
    channels /= np.maximum(channels.max(axis=0), 1)


def _asinh(channels: NDArray[np.float32], softening: np.float32) -> None:
    _soften(channels, softening)
    channels.clip(0, 1, out=channels)


def _linear(channels: NDArray[np.float32], _: np.float32) -> None:
    channels.clip(0, 1, out=channels)


def _soften(light: NDArray[np.float32], softening: np.float32) -> None:
    light *= softening
    np.arcsinh(light, out=light)
    light *= np.float32(FRACTION) / np.arcsinh(np.float32(FRACTION) * softening)


STRETCHES: dict[str, Callable[[NDArray[np.float32], np.float32], None]] = {
    "lupton": _lupton,
    "asinh": _asinh,
    "linear": _linear,
}
