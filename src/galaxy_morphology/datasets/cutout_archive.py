"""GALAXIES.zip: cut-outs and labels read member by member, never extracted to disk."""

import hashlib
import logging
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from io import SEEK_END, BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any

import fsspec
import pandas as pd
from kedro.io import AbstractDataset, DatasetError
from kedro.io.core import get_filepath_str, get_protocol_and_path
from kedro_datasets._typing import TablePreview

from galaxy_morphology.datasets.atomic import replacing
from galaxy_morphology.identifiers import read_identifier
from galaxy_morphology.typing import SimulatedArchive

logger = logging.getLogger(__name__)

MEBIBYTE = 1024 * 1024
PART = MEBIBYTE
ENCRYPTED = 0x1  # flag bit of a zip member
SIMULATED = "SIMULATED.txt"
"""A member of this name says that the galaxies of an archive are simulated."""


class CutoutArchive(Mapping[int, bytes]):
    """The encoded cut-outs of an open archive by CATAID.

    Args:
        archive: The open zip file.
        name: Its name.
        image_suffix: What follows the CATAID in the name of an image, e.g. ``_giH.png``.
        maximum_member_bytes: Members that expand to more than this are refused.

    Attributes:
        unnamed: Why members that end like a cut-out have no CATAID, by their names.
        simulated: Whether the archive says of itself that its galaxies are simulated.
    """

    def __init__(
        self, archive: zipfile.ZipFile, name: str, image_suffix: str, maximum_member_bytes: int
    ) -> None:
        self._archive = archive
        self._name = name
        self._maximum_member_bytes = maximum_member_bytes
        self._members: dict[int, list[zipfile.ZipInfo]] = defaultdict(list)
        self.unnamed: dict[str, str] = {}
        self.simulated = _is_simulated(archive)
        for member in _members(archive):
            image = _name(member)
            if not image.lower().endswith(image_suffix.lower()):
                continue
            try:
                cataid = read_identifier(image[: len(image) - len(image_suffix)])
            except ValueError as error:
                self.unnamed[member.filename] = str(error)
            else:
                self._members[cataid].append(member)

    def __getitem__(self, cataid: int) -> bytes:
        """Read the encoded cut-out of one galaxy.

        Raises:
            KeyError: The archive has no cut-out of this galaxy.
            ValueError: It has several, or the one it has cannot be read; says which and why.
        """
        if cataid not in self._members:
            raise KeyError(cataid)
        members = self._members[cataid]
        if len(members) > 1:
            names = ", ".join(member.filename for member in members)
            raise ValueError(f"{len(members)} cut-outs in the archive: {names}")
        return _read_member(self._archive, members[0], self._maximum_member_bytes)

    def summary(self) -> dict[str, Any]:
        """Name, size in bytes and SHA-256 of the archive, and whether it is simulated."""
        file = self._archive.fp
        assert file is not None  # noqa: S101 - it is open
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        return {
            "file": self._name,
            "bytes": file.seek(0, SEEK_END),
            "sha256": digest,
            "simulated": self.simulated,
        }

    def __iter__(self) -> Iterator[int]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


class _ArchiveDataset(AbstractDataset[Any, Any]):
    """What the views of one archive share: finding and opening it, and when it may be written."""

    def __init__(
        self,
        *,
        filepath: str,
        label_file: str = "2class_list.csv",
        writable: bool = False,
        maximum_member_bytes: int = 64 * MEBIBYTE,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._protocol, path = get_protocol_and_path(filepath)
        self._fs = fsspec.filesystem(self._protocol, **(credentials or {}), **(fs_args or {}))
        self._filepath = PurePosixPath(path)
        self._label_file = label_file
        self._writable = writable
        self._maximum_member_bytes = maximum_member_bytes
        self.metadata = metadata

    @property
    def _path(self) -> str:
        return str(get_filepath_str(self._filepath, self._protocol))

    def _open(self) -> zipfile.ZipFile:
        try:
            file: IO[bytes] = self._fs.open(self._path, "rb")
        except FileNotFoundError:
            raise DatasetError(
                f"There is no archive at {self._path}. Put your GALAXIES.zip there, or name "
                "another file as `filepath` of `galaxy_archive` and `galaxy_labels` in the "
                "catalog, or simulate a survey with `kedro run --env demo --pipelines demo`."
            ) from None
        except OSError as error:
            raise DatasetError(f"{self._path} cannot be read: {error}") from error
        try:
            return zipfile.ZipFile(file)
        except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError) as error:
            file.close()
            raise DatasetError(
                f"{self._path} is not a readable zip archive ({error}). Expected a zip file with "
                "the cut-outs and their label list; download or pack it again."
            ) from error

    def check_writable(self) -> None:
        """Nobody's survey is overwritten.

        Raises:
            DatasetError: Nothing may be written, or what lies there is not simulated.
        """
        if not self._writable or self._protocol != "file":
            raise DatasetError(
                f"{self._path} is not written: simulated galaxies go only to local archives that "
                "are declared `writable`, as in conf/demo. Use `--env demo`."
            )
        if self._fs.exists(self._path):  # whatever Kedro takes for missing
            with self._open() as archive:
                if not _is_simulated(archive):
                    raise DatasetError(
                        f"{self._path} holds an archive that is not simulated, and is left as it "
                        "is. Move it elsewhere, or simulate into another folder with "
                        "`--params data_root=DIR`."
                    )

    def checksum(self) -> str:
        """Of its table of contents: names, sizes and CRC-32 of all members, without reading them.

        Raises:
            DatasetError: There is no such file, or it is no zip archive.
        """
        with self._open() as archive:
            table = [(member.filename, member.file_size, member.CRC) for member in
                     archive.infolist()]  # fmt: skip
        return hashlib.sha256(repr(sorted(table)).encode()).hexdigest()

    def _exists(self) -> bool:
        return bool(self._fs.exists(self._path))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "protocol": self._protocol}


class CutoutArchiveDataset(_ArchiveDataset):
    """The cut-outs in a zip archive, as a mapping from CATAID to the encoded image.

    Any folder structure is understood; resource forks of macOS (``__MACOSX/``, ``._*``) are
    passed over. Nothing is extracted to disk, and no member is read before it is asked for.
    A simulated survey can be saved where the archive is writable, and says what it is.

    Args:
        filepath: Path or URL of the archive; anything fsspec understands.
        image_suffix: What follows the CATAID in an image's name.
        label_file: Name of the label list that is saved with simulated galaxies.
        writable: Whether a simulated survey may be saved here.
        maximum_member_bytes: A member that expands to more than this is not read.
        credentials: For the file system, if it needs any.
        fs_args: Further arguments of the file system.
        metadata: For kedro-viz and other plugins.
    """

    def __init__(self, *, image_suffix: str = "_giH.png", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._image_suffix = image_suffix

    def load(self) -> CutoutArchive:
        """Open the archive.

        Raises:
            DatasetError: There is no such file, it is no zip archive, or none of its members
                is named like a cut-out.
        """
        archive = self._open()
        _tell_replaced(archive, self._path)
        cutouts = CutoutArchive(
            archive, self._filepath.name, self._image_suffix, self._maximum_member_bytes
        )
        if not cutouts:
            examples = [member.filename for member in _members(archive)[:3]]
            raise DatasetError(
                f"{self._path} holds no cut-outs: no member is named <CATAID>{self._image_suffix}. "
                f"It holds {examples or 'nothing'}. Set `image_suffix` in "
                "globals.yml to what follows the CATAID in your file names."
            )
        return cutouts

    def save(self, data: SimulatedArchive) -> None:
        """Write an archive of simulated galaxies, whole or not at all.

        Raises:
            DatasetError: The archive is not writable, or would overwrite one that is not
                simulated.
        """
        self.check_writable()
        folder = self._filepath.stem
        with (
            replacing(Path(self._path)) as part,
            zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive,
        ):
            members = {
                f"{folder}/{SIMULATED}": b"The galaxies of this archive are simulated.\n",
                f"{folder}/{self._label_file}": data.labels.to_csv(index=False).encode(),
            }
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name), content)
            # PNGs are compressed already.
            for cataid, encoded in data.cutouts.items():
                archive.writestr(
                    zipfile.ZipInfo(f"{folder}/DATA/{cataid}{self._image_suffix}"), encoded
                )


class ArchiveLabelsDataset(_ArchiveDataset):
    """The label list in a zip archive, as a table of the texts it holds.

    Args:
        filepath: Path or URL of the archive; anything fsspec understands.
        label_file: Name of the CSV file, in whatever folder of the archive.
        writable: Whether a simulated survey may be saved in this archive.
        maximum_member_bytes: A list that expands to more than this is not read.
        credentials: For the file system, if it needs any.
        fs_args: Further arguments of the file system.
        metadata: For kedro-viz and other plugins.
    """

    def load(self) -> pd.DataFrame:
        """Read the label list, every cell as text.

        Raises:
            DatasetError: There is no such archive or list, several lists have that name, or the
                list is not a CSV file in UTF-8.
        """
        with self._open() as archive:
            members = [member for member in _members(archive) if _name(member) == self._label_file]
            if len(members) != 1:
                names = [member.filename for member in _members(archive)]
                lists = [name for name in names if name.lower().endswith(".csv")]
                raise DatasetError(
                    f"Expected one label list named {self._label_file} in {self._path}, found "
                    f"{len(members)}; the CSV files in it are {lists or 'none'}, its first members "
                    f"{names[:3]}. Set `label_file` in globals.yml to the name "
                    "of yours."
                )
            try:
                text = _read_member(archive, members[0], self._maximum_member_bytes)
                # The header is read as a row: else pandas takes a row with more cells than it
                # for one with an index, and renames the second of two equal columns.
                rows = pd.read_csv(
                    BytesIO(text),
                    header=None,
                    dtype=str,
                    keep_default_na=False,
                    skipinitialspace=True,
                    skip_blank_lines=False,
                    encoding="utf-8-sig",
                ).fillna("")
            except ValueError as error:  # what pandas raises on a bad CSV is a ValueError too
                reason = str(error).strip()
                raise DatasetError(
                    f"{members[0].filename} in {self._path} cannot be read: {reason}. Expected a "
                    "CSV file with columns CATAID and TARGET, saved as UTF-8."
                ) from error
        table = rows[1:].reset_index(drop=True)
        return table.set_axis(rows.iloc[0].tolist(), axis=1)

    def save(self, data: pd.DataFrame) -> None:
        """Make sure that the archive holds this list: it is written with the cut-outs.

        Raises:
            DatasetError: The archive is not writable, or holds another list.
        """
        self.check_writable()
        if not self.load().equals(data.astype(str)):
            raise DatasetError(
                f"{self._label_file} in {self._path} is not the list that was simulated. Save "
                "`galaxy_archive` first: the label list is written with the cut-outs."
            )

    def preview(self) -> TablePreview:
        """Show the first rows in kedro-viz."""
        return TablePreview(self.load().head().to_dict(orient="split"))


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files of an archive, less its folders and what macOS adds.

    Of those with one name the last counts, as in other tools: the others were mended.
    """
    last = {member.filename: member for member in archive.infolist()}
    return [
        member
        for member in last.values()
        if not member.is_dir()
        and "__MACOSX" not in PurePosixPath(member.filename).parts
        and not _name(member).startswith("._")
    ]


def _tell_replaced(archive: zipfile.ZipFile, path: str) -> None:
    counts = Counter(member.filename for member in archive.infolist())
    replaced = [name for name, count in counts.items() if count > 1]
    if replaced:
        logger.warning(
            "%s holds %s names more than once, e.g. %s. The last of each counts.",
            path, f"{len(replaced):,}", ", ".join(replaced[:3]),
        )  # fmt: skip


def _is_simulated(archive: zipfile.ZipFile) -> bool:
    return any(_name(member) == SIMULATED for member in archive.infolist())


def _name(member: zipfile.ZipInfo) -> str:
    """Name of a member without its folder; some Windows tools write backslashes."""
    return PurePosixPath(member.filename.replace("\\", "/")).name


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, maximum_bytes: int) -> bytes:
    """Read a member whole; a ValueError names it and says what is wrong with it."""
    if member.file_size > maximum_bytes:
        raise ValueError(
            f"{member.filename} expands to {member.file_size:,} bytes, more than the "
            f"{maximum_bytes:,} allowed (maximum_member_bytes)"
        )
    if member.flag_bits & ENCRYPTED:
        raise ValueError(f"{member.filename} is encrypted; pack the archive without a password")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # Other methods unpack a whole block at once, however large it turns out.
        raise ValueError(
            f"{member.filename} is compressed by method {member.compress_type}; pack the archive "
            "with the usual one (deflate)"
        )
    parts: list[bytes] = []
    try:
        # Part by part: asked for all at once, zlib expands a member that lies about its size.
        with archive.open(member) as file:
            while part := file.read(PART):
                parts.append(part)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{member.filename} is damaged in the archive: {error}") from error
    except (RuntimeError, NotImplementedError) as error:
        raise ValueError(f"{member.filename} cannot be unpacked: {error}") from error
    return b"".join(parts)
