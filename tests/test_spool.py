"""Images that wait on disk: they come back as they went, or a sentence says why not."""

import errno
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxy_morphology.spool import SpooledImages


@given(st.integers(1, 40), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_images_come_back_as_they_went(side: int, n_images: int, seed: int) -> None:
    images = np.random.default_rng(seed).integers(0, 256, (n_images, side, side, 3), np.uint8)
    spooled = SpooledImages(side)
    for i, image in enumerate(images):
        spooled.append(image)
        assert np.array_equal(list(spooled)[i], image)  # reading in between does no harm
    assert spooled.shape == images.shape
    assert np.array_equal(np.array(list(spooled)).reshape(images.shape), images)


@pytest.mark.parametrize("side", [4, 128])
def test_a_full_folder_is_said_to_be_so(side: int, tmp_path: Path) -> None:
    # No file may have more than this: what a full disk does, without filling one.
    limit = 1_000
    program = (
        "import numpy as np\n"
        "from galaxy_morphology.spool import SpooledImages\n"
        f"images = SpooledImages({side})\n"
        "try:\n"
        f"    for _ in range(100): images.append(np.zeros(({side}, {side}, 3), np.uint8))\n"
        "except OSError as error: print(images.shape[0], error)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert ended.stderr == ""
    assert ended.stdout.startswith(
        f"{limit // (side * side * 3)} The temporary folder {tmp_path} does not take the images: "
    )
    assert "set TMPDIR to another folder" in ended.stdout


def test_another_folder_takes_the_place_of_a_missing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    spooled = SpooledImages(2)
    spooled.append(np.ones((2, 2, 3), np.uint8))
    assert np.array(list(spooled)).sum() == 12
    assert str(tmp_path / "missing") in caplog.text


def test_no_folder_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*, dir: str | None) -> IO[Any]:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), dir)

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(OSError, match=r"tmp \(Read-only file system\).*Set TMPDIR"):
        SpooledImages(2)
