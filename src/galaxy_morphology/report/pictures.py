"""Pictures small enough for hundreds or thousands of them to lie in one file."""

from base64 import b64encode
from collections.abc import Iterable
from io import BytesIO
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.typing import Images

ATTEMPTS = ((160, 80), (160, 60), (128, 60), (96, 60), (64, 60), (64, 40))
"""Largest side in pixels and quality of WebP, the best first."""
FIGURE_QUALITY = 88
N_TRIED = 64
"""Cut-outs that the size of all is estimated from."""
EFFORT = 2
"""Of WebP's encoder, 0 to 6: more takes thrice the time for some percent of the bytes."""


def webp(pixels: NDArray[np.uint8], *, quality: int, side: int | None = None) -> bytes:
    """A picture as a WebP file.

    Args:
        pixels: uint8 [height, width, 3 or 4], RGB or RGBA.
        quality: 0 to 100.
        side: Larger pictures are made as small as this; None keeps all as they are.
    """
    from PIL import Image as Pillow

    picture = Pillow.fromarray(np.ascontiguousarray(pixels))
    if side is not None and max(picture.size) > side:
        picture.thumbnail((side, side), Pillow.Resampling.LANCZOS)
    return _file_of(picture, quality=quality)


class Image(NamedTuple):
    """A picture in a page.

    Attributes:
        source: Its address, with all of it inside.
        width: In pixels.
        height: In pixels.
    """

    source: str
    width: int
    height: int


def image(png: bytes) -> Image:
    """A figure, as WebP where that is the smaller file.

    Args:
        png: A PNG file.
    """
    from PIL import Image as Pillow

    with Pillow.open(BytesIO(png)) as picture:
        size = picture.size
        file = _file_of(picture.convert("RGB"), quality=FIGURE_QUALITY)
    kind, smaller = ("webp", file) if len(file) < len(png) else ("png", png)
    return Image(f"data:image/{kind};base64,{base64(smaller)}", *size)


def cutout_files(images: Images, *, budget: int) -> list[str]:
    """Cut-outs as WebP files, as good as a number of bytes allows.

    Args:
        images: uint8 [N, height, width, 3], RGB.
        budget: Bytes that they may take together, more or less.

    Returns:
        Each in Base64.
    """
    some = images[np.linspace(0, len(images) - 1, min(N_TRIED, len(images))).astype(int)]
    how = _fitting(some, len(images), budget)
    return [base64(webp(image, **how)) for image in images]


def cutout_files_by_row(
    cutouts: Iterable[tuple[int, NDArray[np.uint8]]], n_rows: int, *, budget: int
) -> list[str | None]:
    """The same of cut-outs that come one by one, so that they need not be in memory together.

    Args:
        cutouts: Row and cut-out, uint8 [height, width, 3], RGB, in whichever order.
        n_rows: How many rows there are; some may have no cut-out.
        budget: Bytes that they may take together, as the first ones tell.

    Returns:
        A file in Base64 for each row, None where there is no cut-out.
    """
    files: list[str | None] = [None] * n_rows
    coming = iter(cutouts)
    tried = list(islice(coming, N_TRIED))
    how = _fitting([image for _, image in tried], n_rows, budget)
    for row, image in chain(tried, coming):
        files[row] = base64(webp(image, **how))
    return files


def _fitting(some: Iterable[NDArray[np.uint8]], n_images: int, budget: int) -> dict[str, int]:
    """Side and quality, the best with which so many images like these take so many bytes."""
    for side, quality in ATTEMPTS:
        how = {"side": side, "quality": quality}
        tried = [len(webp(image, **how)) for image in some]
        if sum(tried) * n_images <= budget * len(tried):
            break
    return how


def base64(content: bytes) -> str:
    """Bytes as text."""
    return b64encode(content).decode("ascii")


def _file_of(picture: Any, *, quality: int) -> bytes:
    file = BytesIO()
    picture.save(file, "WEBP", quality=quality, method=EFFORT)
    return file.getvalue()
