"""The files of a zip archive, a tar archive or a folder, read one by one and never unpacked."""

import gzip
import hashlib
import logging
import os
import posixpath
import sys
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from io import SEEK_END, BytesIO
from pathlib import PurePosixPath
from threading import Lock
from typing import IO, Any

import fsspec

logger = logging.getLogger(__name__)

MEBIBYTE = 1024 * 1024
PART = MEBIBYTE
ENCRYPTED = 0x1  # flag bit of a zip member
TAR_BLOCK = 512
TAR_MAGIC = slice(257, 262)
GZIP = b"\x1f\x8b"
TAR_HEADER_BYTES = MEBIBYTE
"""Longest header of a tar member, long names and all: tarfile reads them whole."""
EXPANSION = 100
"""Pictures hardly get smaller in gzip. What gets this much smaller is no archive of them."""


class Files(ABC):
    """Files by name, in the order in which they lie.

    What macOS adds is passed over. Of those with one name the last counts, as in other tools: the
    others were mended.

    Args:
        path: Of the archive or folder.
        names: Of its files, slashes between their folders.
        refused: Why files are not read, by name.
        maximum_bytes: Files of an archive that expand to more than this are refused.
    """

    holder = "the archive"

    def __init__(
        self, path: str, names: Iterable[str], refused: dict[str, str], maximum_bytes: int
    ) -> None:
        self.path = path
        self._names = dict.fromkeys(filter(_is_meant, names))
        self._refused = refused
        self._maximum_bytes = maximum_bytes

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def read(self, name: str) -> bytes:
        """Read a file whole.

        Raises:
            ValueError: There is no such file here, or it cannot be read; says which and why.
        """
        if name not in self:
            raise ValueError(self._why_missing(name))
        if name in self._refused:
            raise ValueError(f"{name} {self._refused[name]}")
        return self._read(name)

    def open(self, name: str) -> IO[bytes]:
        """Open a file that is no picture, such as a label list.

        Raises:
            ValueError: As :meth:`read`.
        """
        return BytesIO(self.read(name))

    def relative(self, path: str) -> str:
        """The name that a path would have here; paths that lead elsewhere stay as they are."""
        return _normal(path)

    @abstractmethod
    def contents(self) -> list[tuple[Any, ...]]:
        """Name, size and what else tells versions of each file apart, without reading them."""

    @abstractmethod
    def version(self, name: str) -> tuple[Any, ...] | None:
        """What tells versions of one file apart; () for no file, None where only the whole does."""

    @abstractmethod
    def summary(self) -> dict[str, Any]:
        """Name (``file``), size (``bytes``) and ``sha256`` of the whole."""

    @abstractmethod
    def _read(self, name: str) -> bytes: ...

    def _check_size(self, name: str, size: int) -> None:
        if size > self._maximum_bytes:
            raise ValueError(
                f"{name} expands to {size:,} bytes, more than the {self._maximum_bytes:,} allowed "
                "(maximum_member_bytes)"
            )

    def _why_missing(self, name: str) -> str:
        if not name:
            return "no file is named"
        if name.startswith(("/", "../")) or name == ".." or ":" in name.split("/")[0]:
            return f"{name} lies outside of {self.path}, and is not read: name a file in it"
        return f"there is no file {name} in {self.holder}"


class ZipFiles(Files):
    """The members of a zip archive.

    Args:
        file: The archive, open.
        path: See :class:`Files`.
        maximum_bytes: See :class:`Files`.

    Raises:
        ValueError: It is none.
    """

    def __init__(self, file: IO[bytes], path: str, maximum_bytes: int) -> None:
        try:
            self._archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError) as error:
            raise ValueError(
                f"{path} is not a readable zip archive ({error}), nor anything else that galaxies "
                "come in. Expected a zip file, a tar file as it is or in gzip, HDF5 or a folder; "
                "download or pack it again."
            ) from error
        self._file = file
        members = [member for member in self._archive.infolist() if not member.is_dir()]
        _tell_replaced(filter(_is_meant, [member.filename for member in members]), path)
        # Some Windows tools write backslashes.
        self._members = {_normal(member.filename): member for member in members}
        super().__init__(path, self._members, {}, maximum_bytes)

    def contents(self) -> list[tuple[Any, ...]]:
        """Names, sizes and CRC-32 of all members."""
        return [(member.filename, member.file_size, member.CRC) for member in
                self._archive.infolist()]  # fmt: skip

    def version(self, name: str) -> tuple[Any, ...] | None:
        """Size and CRC-32."""
        member = self._members.get(name)
        return (member.file_size, member.CRC) if member else ()

    def summary(self) -> dict[str, Any]:
        """Of the archive as a file."""
        return summary_of(self._file, self.path)

    def _read(self, name: str) -> bytes:
        member = self._members[name]
        self._check_size(name, member.file_size)
        if member.flag_bits & ENCRYPTED:
            raise ValueError(f"{name} is encrypted; pack the archive without a password")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # Other methods unpack a whole block at once, however large it turns out.
            raise ValueError(
                f"{name} is compressed by method {member.compress_type}; pack the archive with the "
                "usual one (deflate)"
            )
        parts: list[bytes] = []
        try:
            # Part by part: asked for all at once, zlib expands a member that lies about its size.
            with self._archive.open(member) as file:
                while part := file.read(PART):
                    parts.append(part)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{name} is damaged in the archive: {error}") from error
        except (RuntimeError, NotImplementedError) as error:
            raise ValueError(f"{name} cannot be unpacked: {error}") from error
        return b"".join(parts)


class TarFiles(Files):
    """The members of a tar archive, read where they lie.

    Args:
        file: The archive, open.
        path: See :class:`Files`.
        maximum_bytes: See :class:`Files`.

    Raises:
        ValueError: It is damaged.
    """

    def __init__(self, file: IO[bytes], path: str, maximum_bytes: int) -> None:
        self._file = file
        self._stream = self._uncompressed()
        self._reading = Lock()
        refused: dict[str, str] = {}
        self._places: dict[str, tuple[int, int]] = {}
        names = []
        for member in _tar_members(_Careful(self._stream, self._largest()), path):
            name = _normal(member.name)
            names.append(name)
            self._places.pop(name, None)  # the order is that of those that count
            refused.pop(name, None)
            self._places[name] = (member.offset_data, member.size)
            if why := _why_no_file(member):
                refused[name] = why
        _tell_replaced(filter(_is_meant, names), path)
        super().__init__(path, self._places, refused, maximum_bytes)

    def contents(self) -> list[tuple[Any, ...]]:
        """Names, sizes and places of all members."""
        return [(name, size, start) for name, (start, size) in self._places.items()]

    def version(self, name: str) -> tuple[Any, ...] | None:
        """Unknown: a tar archive has no checksums of its members."""
        return None if name in self._places else ()

    def summary(self) -> dict[str, Any]:
        """Of the archive as a file."""
        with self._reading:
            return summary_of(self._file, self.path)

    def _uncompressed(self) -> IO[bytes]:
        return self._file

    def _largest(self) -> int:
        """How many bytes may come of it."""
        return sys.maxsize

    def _read(self, name: str) -> bytes:
        start, size = self._places[name]
        self._check_size(name, size)
        with self._reading:
            try:
                return self._read_at(start, size)
            except (OSError, EOFError, zlib.error) as error:
                raise ValueError(f"{name} is damaged in the archive: {error}") from error

    def _read_at(self, start: int, size: int) -> bytes:
        self._stream.seek(start)
        return self._stream.read(size)


class GzippedTarFiles(TarFiles):
    """The members of a tar archive in gzip, which can only be read from its beginning on.

    In the order in which they lie, all of them take one pass. What was just passed by is kept for
    a while: readers side by side do not quite keep the order. Whoever looks further back begins
    anew.
    """

    def __init__(self, file: IO[bytes], path: str, maximum_bytes: int) -> None:
        self._passed: dict[int, bytes] = {}
        self._passed_bytes = 0
        super().__init__(file, path, maximum_bytes)
        self._in_order = sorted(self._places.values())

    def summary(self) -> dict[str, Any]:
        """Of the archive as a file."""
        summary = super().summary()
        with self._reading:
            self._stream = self._uncompressed()  # the file is no longer where it was
        return summary

    def _uncompressed(self) -> IO[bytes]:
        self._file.seek(0)
        return gzip.GzipFile(fileobj=self._file)  # type: ignore[return-value]

    def _largest(self) -> int:
        size = self._file.seek(0, SEEK_END)
        self._file.seek(0)
        return EXPANSION * size + 64 * MEBIBYTE

    def _read_at(self, start: int, size: int) -> bytes:
        if start in self._passed:
            content = self._passed.pop(start)
            self._passed_bytes -= len(content)
            return content
        at = self._stream.tell()
        first = bisect_left(self._in_order, (at if at <= start else 0,))
        for passed, length in self._in_order[first : bisect_left(self._in_order, (start,))]:
            if length <= self._maximum_bytes:
                self._keep(passed, super()._read_at(passed, length))
        return super()._read_at(start, size)

    def _keep(self, start: int, content: bytes) -> None:
        self._passed[start] = content
        self._passed_bytes += len(content)
        while self._passed_bytes > self._maximum_bytes:
            self._passed_bytes -= len(self._passed.pop(next(iter(self._passed))))


class FolderFiles(Files):
    """The files of a folder and the folders in it.

    On local disks, links are followed to files within the folder alone; what is no file is not
    read.

    Args:
        system: The file system.
        path: See :class:`Files`.
        maximum_bytes: See :class:`Files`.
    """

    holder = "the folder"

    def __init__(self, system: fsspec.AbstractFileSystem, path: str, maximum_bytes: int) -> None:
        self._system = system
        self._root = system._strip_protocol(path).rstrip("/")
        self._is_local = "file" in system.protocol
        refused: dict[str, str] = {}
        if self._is_local:
            self._found = dict(_walk(self._root, refused))
        else:
            self._found = {
                name.removeprefix(f"{self._root}/"): (facts["size"] or 0, str(facts.get("mtime")))
                for name, facts in system.find(self._root, detail=True).items()
            }
        super().__init__(path, self._found, refused, maximum_bytes)

    def relative(self, path: str) -> str:
        """As of every source; absolute paths into the folder are understood too."""
        path = _normal(path)
        for root in (self._root, os.path.realpath(self._root)) if self._is_local else ():
            if path.startswith(f"{root}/"):
                return path[len(root) + 1 :]
        return path

    def open(self, name: str) -> IO[bytes]:
        """Open a file of whatever size: it does not expand."""
        if name not in self or name in self._refused:
            return super().open(name)
        file: IO[bytes] = self._system.open(f"{self._root}/{name}", "rb")
        return file

    def contents(self) -> list[tuple[Any, ...]]:
        """Names and sizes of all files, and when they were changed."""
        return [(name, *facts) for name, facts in self._found.items()]

    def version(self, name: str) -> tuple[Any, ...] | None:
        """Size, and when it was changed."""
        return self._found.get(name, ())

    def summary(self) -> dict[str, Any]:
        """Of all files with their names, one after another."""
        digest, n_bytes = hashlib.sha256(), 0
        for name in self:
            if name in self._refused:
                continue
            with self.open(name) as file:
                digest.update(f"{name}\0{self._found[name][0]}\0".encode(errors="surrogateescape"))
                while part := file.read(PART):
                    digest.update(part)
                    n_bytes += len(part)
        name = PurePosixPath(self._root).name
        return {"file": name, "bytes": n_bytes, "sha256": digest.hexdigest()}

    def _read(self, name: str) -> bytes:
        self._check_size(name, self._found[name][0])
        try:
            with self.open(name) as file:
                return file.read(self._maximum_bytes)
        except OSError as error:
            raise ValueError(f"{name} cannot be read: {error}") from error


def open_files(system: fsspec.AbstractFileSystem, path: str, *, maximum_bytes: int) -> Files:
    """Open a folder or an archive, whichever it is.

    Args:
        system: The file system.
        path: Where it lies there.
        maximum_bytes: See :class:`Files`.

    Raises:
        ValueError: It is neither; says what was found.
    """
    if is_folder(system, path):
        return FolderFiles(system, path, maximum_bytes)
    file: IO[bytes] = system.open(path, "rb")
    start = file.read(TAR_BLOCK)
    file.seek(0)
    kind: type[ZipFiles | TarFiles] = ZipFiles
    if start.startswith(GZIP):
        kind = GzippedTarFiles
    elif start[TAR_MAGIC] == b"ustar" or path.lower().endswith(".tar"):
        kind = TarFiles
    try:
        return kind(file, path, maximum_bytes)
    except BaseException:
        file.close()
        raise


def is_folder(system: fsspec.AbstractFileSystem, path: str) -> bool:
    """Whether a path is a folder; web servers have none that could be listed.

    Args:
        system: The file system.
        path: Where it lies there.
    """
    on_the_web = not {"http", "https"}.isdisjoint(
        [system.protocol] if isinstance(system.protocol, str) else system.protocol
    )
    return not on_the_web and bool(system.isdir(path))  # it would fetch the whole file


def summary_of(file: IO[bytes], path: str) -> dict[str, Any]:
    """Name (``file``), size (``bytes``) and ``sha256`` of a file.

    Args:
        file: Open.
        path: Where it lies.
    """
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    name = PurePosixPath(path).name
    return {"file": name, "bytes": file.seek(0, SEEK_END), "sha256": digest}


class _Careful:
    """What tarfile reads headers from: no more at once than a header has, nor beyond what is meant.

    Args:
        file: The archive, uncompressed.
        largest: How many bytes may come of it.
    """

    def __init__(self, file: IO[bytes], largest: int) -> None:
        self._file, self._largest = file, largest
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= TAR_HEADER_BYTES:
            raise ValueError(f"a header of {size:,} bytes; at most {TAR_HEADER_BYTES:,} allowed")
        return self._file.read(size)

    def seek(self, position: int) -> None:
        if position > self._largest:
            raise ValueError(f"it expands to more than {self._largest:,} bytes")
        self._file.seek(position)

    def read_to_the_end(self) -> None:
        """Gzip knows only at the end whether all was as it was packed."""
        while self._file.read(PART):
            self.seek(self.tell())


def _tar_members(file: _Careful, path: str) -> Iterator[tarfile.TarInfo]:
    """All members but folders; tarfile itself takes a damaged header for the end."""
    try:
        archive = tarfile.TarFile(fileobj=file)  # type: ignore[arg-type]
        while member := archive.next():
            archive.members.clear()  # type: ignore[attr-defined]
            if member.size < 0:
                raise ValueError(f"{member.name} has a size of {member.size:,} bytes")
            if not member.isdir():
                yield member
        file.seek(archive.offset)
        end = file.read(TAR_BLOCK)
        file.read_to_the_end()
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError, zlib.error) as error:
        raise ValueError(
            f"{path} is not a readable tar archive ({error}). Expected one as it is or in gzip; "
            "download or pack it again."
        ) from error
    if end.strip(b"\0"):
        raise ValueError(
            f"{path} is damaged {archive.offset:,} bytes from its beginning: there is no header of "
            "a member. Download or pack it again."
        )
    if len(end) < TAR_BLOCK:
        logger.warning("%s ends without the mark of an end: it may be cut off.", path)


def _why_no_file(member: tarfile.TarInfo) -> str:
    """Why a member of a tar archive is not read; empty where it is."""
    if member.issym() or member.islnk():
        return f"is a link, to {member.linkname}: pack the file itself"
    if member.issparse():
        return "is stored in pieces: pack it without --sparse"
    return "" if member.isreg() else "is no file but a device or the like"


def _walk(root: str, refused: dict[str, str]) -> Iterator[tuple[str, tuple[int, Any]]]:
    """Name, size and time of every file below a folder; why others are not read is noted."""
    inside = os.path.realpath(root) + "/"
    links = []
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(f"{root}/{folder}") as entries:
            there = sorted(entries, key=lambda entry: entry.name)
        for entry in there:
            name = f"{folder}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                waiting.append(f"{name}/")
            elif entry.is_symlink() and os.path.isdir(entry.path):  # noqa: PTH112 - no loop stops it
                links.append(name)
            else:
                is_file = os.path.isfile(entry.path)  # noqa: PTH113
                if entry.is_symlink() and not os.path.realpath(entry.path).startswith(inside):
                    refused[name] = f"is a link that leads out of {root}: put the file itself there"
                elif not is_file:
                    refused[name] = "is no file but a device, a link to nowhere or the like"
                state = entry.stat(follow_symlinks=is_file)
                yield name, (state.st_size, state.st_mtime_ns)
    if links:
        logger.warning(
            "Links to folders are not followed: in %s, %s and %d others.",
            root, links[0], len(links) - 1,
        )  # fmt: skip


def _normal(path: str) -> str:
    """A path with slashes between its folders, and no detours."""
    return posixpath.normpath(path.replace("\\", "/")) if path else ""


def _is_meant(name: str) -> bool:
    """Whether a file is no addition of macOS."""
    path = PurePosixPath(name.replace("\\", "/"))
    return "__MACOSX" not in path.parts and not path.name.startswith("._")


def _tell_replaced(names: Iterable[str], path: str) -> None:
    replaced = [name for name, count in Counter(names).items() if count > 1]
    if replaced:
        logger.warning(
            "%s holds %s names more than once, e.g. %s. The last of each counts.",
            path, f"{len(replaced):,}", ", ".join(replaced[:3]),
        )  # fmt: skip
