"""Pictures small enough for hundreds or thousands of them to lie in one file."""

from base64 import b64encode
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.typing import Images

ATTEMPTS = ((160, 80), (160, 60), (128, 60), (96, 60), (64, 60), (64, 40))
"""Largest side in pixels and quality of WebP, the best first."""
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
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if side is not None and max(picture.size) > side:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return _file_of(picture, quality=quality)


def smaller(png: bytes) -> tuple[str, bytes]:
    """The type and the bytes of a figure, as WebP where that is the smaller file.

    Args:
        png: A PNG file, or anything that is not a picture, which stays as it is.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(png)) as picture:
            file = _file_of(picture.convert("RGB"), quality=88)
    except (UnidentifiedImageError, OSError, SyntaxError):
        return "image/png", png
    return ("image/webp", file) if len(file) < len(png) else ("image/png", png)


def cutout_files(images: Images, *, budget: int) -> list[str]:
    """Cut-outs as WebP files, as good as a number of bytes allows.

    Args:
        images: uint8 [N, height, width, 3], RGB.
        budget: Bytes that they may take together, more or less.

    Returns:
        Each in Base64.
    """
    some = images[np.linspace(0, len(images) - 1, min(N_TRIED, len(images))).astype(int)]
    for side, quality in ATTEMPTS:
        tried = [len(webp(image, quality=quality, side=side)) for image in some]
        if np.mean(tried) * len(images) <= budget:
            break
    return [base64(webp(image, quality=quality, side=side)) for image in images]


def base64(content: bytes) -> str:
    """Bytes as text."""
    return b64encode(content).decode("ascii")


def _file_of(picture: Any, *, quality: int) -> bytes:
    file = BytesIO()
    picture.save(file, "WEBP", quality=quality, method=EFFORT)
    return file.getvalue()
