"""Archives and folders: every file once and whole, and nothing that is none of theirs."""

import gzip
import hashlib
import io
import os
import resource
import tarfile
from pathlib import Path
from typing import Any

import fsspec
import pytest
from formats import write_folder, write_tar
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxy_morphology.sources import files as files_of
from galaxy_morphology.sources.files import Files, GzippedTarFiles, open_files

MEBIBYTE = 1024 * 1024


def opened(path: Path, maximum_bytes: int = MEBIBYTE) -> Files:
    return open_files(fsspec.filesystem("file"), str(path), maximum_bytes=maximum_bytes)


def everything(files: Files) -> dict[str, bytes]:
    return {name: files.read(name) for name in files}


def whole(path: Path, **kwargs: Any) -> None:
    everything(opened(path, **kwargs))


CONTENTS = st.dictionaries(
    st.text("abc", min_size=1).map(lambda name: f"a/{name}.png"),
    st.binary(max_size=2000),
    min_size=1,
)


@settings(max_examples=40)
@given(
    contents=CONTENTS, order=st.randoms(use_true_random=False), kind=st.sampled_from(["", ":gz"])
)
def test_members_of_a_tar_archive_in_whatever_order(
    tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes], order: Any, kind: str
) -> None:
    path = write_tar(tmp_path_factory.mktemp("tar") / "a.tar", contents, f"w{kind}")
    files = opened(path)
    assert list(files) == list(contents)
    asked_for = list(contents) * 2
    order.shuffle(asked_for)
    assert [files.read(name) for name in asked_for] == [contents[name] for name in asked_for]


@settings(max_examples=20)
@given(contents=CONTENTS)
def test_files_of_a_folder(
    tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes]
) -> None:
    path = write_folder(tmp_path_factory.mktemp("folder"), contents)
    assert everything(opened(path)) == contents
    system = fsspec.filesystem("memory")
    system.pipe({f"/here{path}/{name}": content for name, content in contents.items()})
    there = open_files(system, f"/here{path}", maximum_bytes=MEBIBYTE)
    assert everything(there) == contents
    assert there.summary() == opened(path).summary()


def test_a_gzipped_archive_is_read_in_one_pass(tmp_path: Path) -> None:
    contents = {f"{i}.png": os.urandom(3000) for i in range(200)}
    files = opened(write_tar(tmp_path / "a.tgz", contents, "w:gz"))
    assert isinstance(files, GzippedTarFiles)
    positions = []
    asked_for = list(files)
    for i in range(0, 200, 4):  # as readers side by side ask for them
        asked_for[i : i + 4] = reversed(asked_for[i : i + 4])
    for name in asked_for:
        assert files.read(name) == contents[name]
        positions.append(files._stream.tell())
    assert positions == sorted(positions)


def test_names_of_tar_archives_are_those_of_files(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("./a", "./a/1.png", "__MACOSX/1.png", "a/._1.png", "é" * 150 + ".png"):
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE if name == "./a" else tarfile.REGTYPE
            archive.addfile(member)
    assert list(opened(path)) == ["a/1.png", "é" * 150 + ".png"]


def test_of_members_with_one_name_the_last_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_tar(tmp_path / "a.tar", {"1.png": b"old", "2.png": b"two"})
    with tarfile.open(path, "a") as archive:
        member = tarfile.TarInfo("./1.png")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"new"))
    with caplog.at_level("WARNING"):
        assert everything(opened(path)) == {"2.png": b"two", "1.png": b"new"}
    assert "holds 1 names more than once, e.g. 1.png" in caplog.text


# ------------------------------------------------------------------ damaged


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_archives_that_are_cut_off_are_refused(tmp_path: Path, mode: str) -> None:
    contents = {f"{i}.png": os.urandom(2000) for i in range(20)}
    path = write_tar(tmp_path / "a.tar", contents, mode)
    content = path.read_bytes()
    for share in (0.1, 0.53, 0.8):
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(ValueError, match=r"a.tar is (not a readable tar|damaged)"):
            opened(path)


def test_an_archive_without_an_end_is_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_tar(tmp_path / "a.tar", {"1.png": b"x" * 512, "2.png": b"y" * 512})
    path.write_bytes(path.read_bytes()[:1024])
    with caplog.at_level("WARNING"):
        assert everything(opened(path)) == {"1.png": b"x" * 512}
    assert "ends without the mark of an end" in caplog.text


def test_a_damaged_header_is_no_end(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {f"{i}.png": b"x" * 512 for i in range(4)})
    content = bytearray(path.read_bytes())
    content[2048:2060] = b"?" * 12
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged 2,048 bytes from its beginning"):
        opened(path)


def test_damage_in_a_gzipped_archive_is_seen(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tgz", {f"{i}.png": os.urandom(999) for i in range(9)}, "w:gz")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a.tgz is (not a readable tar archive|damaged)"):
        opened(path)


# ------------------------------------------------------------------ hostile


def test_links_and_devices_in_tar_archives_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    path = tmp_path / "a.tar"
    kinds = {
        "link.png": (tarfile.SYMTYPE, str(secret)),
        "hard.png": (tarfile.LNKTYPE, "../secret"),
        "device.png": (tarfile.CHRTYPE, ""),
        "pipe.png": (tarfile.FIFOTYPE, ""),
    }
    with tarfile.open(path, "w") as archive:
        for name, (kind, target) in kinds.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
    files = opened(path)
    reasons = []
    for name in files:
        with pytest.raises(ValueError, match=name) as refused:
            files.read(name)
        reasons.append(str(refused.value))
    assert [reason.split(",")[0] for reason in reasons] == [
        "link.png is a link",
        "hard.png is a link",
        "device.png is no file but a device or the like",
        "pipe.png is no file but a device or the like",
    ]


def test_links_and_devices_in_folders_are_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = write_folder(tmp_path / "secret", {"1.png": b"secret"})
    beside = write_folder(tmp_path / "here2", {"1.png": b"secret"})
    folder = write_folder(tmp_path / "here", {"good.png": b"good", "deep/er/2.png": b"two"})
    (folder / "inside.png").symlink_to("deep/er/2.png")
    (folder / "outside.png").symlink_to(secret / "1.png")
    (folder / "beside.png").symlink_to(f"../{beside.name}/1.png")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "nowhere.png").symlink_to("nothing")
    (folder / "folder").symlink_to(secret)
    os.mkfifo(folder / "pipe.png")
    with caplog.at_level("WARNING"):
        files = opened(folder)
    good = {"good.png", "inside.png", "deep/er/2.png"}
    assert {files.read(name) for name in good} == {b"good", b"two"}
    for name in {"outside.png", "beside.png"}:
        with pytest.raises(ValueError, match=f"{name} is a link that leads out of {folder}"):
            files.read(name)
    for name in {"loop.png", "nowhere.png", "pipe.png"}:
        with pytest.raises(ValueError, match=f"{name} is no file but a device, a link to nowhere"):
            files.read(name)
    assert set(files) == good | {"outside.png", "beside.png", "loop.png", "nowhere.png", "pipe.png"}
    assert f"Links to folders are not followed: in {folder}, folder and 0 others" in caplog.text
    assert hashlib.sha256(b"").hexdigest() != files.summary()["sha256"]


def test_a_folder_that_is_a_link_itself_is_followed(tmp_path: Path) -> None:
    write_folder(tmp_path / "there", {"1.png": b"one"})
    (tmp_path / "here").symlink_to("there")
    assert everything(opened(tmp_path / "here")) == {"1.png": b"one"}


@pytest.mark.parametrize("name", ["../1.png", "/etc/passwd", "..", "a/../../1.png", "C:\\1.png"])
def test_files_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    write_folder(tmp_path, {"1.png": b"secret", "here/2.png": b"two"})
    tar = write_tar(tmp_path / "a.tar", {"2.png": b"two"})
    for files in (opened(tmp_path / "here"), opened(tar)):
        with pytest.raises(ValueError, match="lies outside of .*, and is not read"):
            files.read(files.relative(name))


def test_what_expands_too_far_is_refused(tmp_path: Path) -> None:
    contents = {"1.png": bytes(2 * MEBIBYTE), "2.png": b"two"}
    tar = write_tar(tmp_path / "a.tar", contents)
    gzipped = write_tar(tmp_path / "a.tgz", contents, "w:gz")
    folder = write_folder(tmp_path / "a", contents)
    for path in (tar, gzipped, folder):
        files = opened(path)
        assert files.read("2.png") == b"two"
        with pytest.raises(ValueError, match="1.png expands to 2,097,152 bytes, more than the 1,0"):
            files.read("1.png")


class Zeros(io.RawIOBase):
    """Many zeros, without the memory for them."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int = -1) -> bytes:
        given = min(size, self._left)
        self._left -= given
        return bytes(given)


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_bomb_takes_no_memory(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "a.tgz"
    size = 300 * MEBIBYTE
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("1.png")
        member.type, member.size = kind, size
        archive.addfile(member, Zeros(size))
    assert path.stat().st_size < MEBIBYTE
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=r"expands to more than|a header of 314,572,8"):
        opened(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024  # KiB


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.DIRTYPE])
def test_a_negative_size_ends(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("1.png")
    member.type = kind
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + b"\xf8\x00"  # -2048, to the base 256
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path = tmp_path / "a.tar"
    path.write_bytes(bytes(header) + bytes(1024))
    with pytest.raises(ValueError, match=r"has a size of -2,048 bytes|a header of -"):
        opened(path)


def test_other_archives_are_named(tmp_path: Path) -> None:
    import bz2

    path = tmp_path / "a.tar.bz2"
    path.write_bytes(bz2.compress(b"anything"))
    with pytest.raises(ValueError, match="Expected a zip file, a tar file as it is or in gzip"):
        opened(path)
    gzipped = tmp_path / "a.fits.gz"
    gzipped.write_bytes(gzip.compress(b"SIMPLE  = T" * 100))
    with pytest.raises(ValueError, match="a.fits.gz is not a readable tar archive"):
        opened(gzipped)


def test_web_servers_are_not_asked_for_folders() -> None:
    class Server:
        protocol = ("http", "https")

        def isdir(self, path: str) -> bool:
            raise AssertionError(f"it would fetch all of {path}")

    assert not files_of.is_folder(Server(), "https://server/GALAXIES.zip")
