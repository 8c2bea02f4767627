"""Cut-outs and labels of the galaxies in a folder or an archive, in the layouts people use."""

import posixpath
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import chain, islice, zip_longest
from pathlib import PurePosixPath
from typing import IO, Any

import pandas as pd

from galaxy_morphology.identifiers import Identifier, digits_of, read_cell, read_identifier
from galaxy_morphology.sources.files import Files, summary_of
from galaxy_morphology.sources.layout import BRACES, Layout
from galaxy_morphology.sources.tables import READERS, read_table

SIMULATED = "SIMULATED.txt"
"""A file of this name says that the galaxies of an archive are simulated."""
IMAGES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".gif", ".bmp", ".ppm", ".jp2",
          ".avif", ".fits", ".fit", ".fits.gz", ".fits.fz", ".fz")  # fmt: skip
"""Suffixes of cut-outs where no other is named."""
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""Names of tables beside images that say more about them."""
SPLITS = {
    "training": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
SPLIT_OF = {name: split for split, names in SPLITS.items() for name in names}


class FileCutouts(Mapping[Identifier, bytes]):
    """The encoded cut-outs in files, by identifier, in the order in which they lie.

    Args:
        files: Where they are.
        names: Of the files of each galaxy.
        unnamed: See below.

    Attributes:
        unnamed: Why files that look like a cut-out have no identifier, by their names.
        simulated: Whether the archive says of itself that its galaxies are simulated.
    """

    def __init__(
        self, files: Files, names: Mapping[Identifier, Collection[str]], unnamed: dict[str, str]
    ) -> None:
        places = {name: place for place, name in enumerate(files)}
        self.unnamed: Mapping[str, str] = unnamed
        self._files = files
        self._names = dict(
            sorted(names.items(), key=lambda item: places.get(next(iter(item[1])), len(places)))
        )
        self.simulated = is_simulated(files)

    def __getitem__(self, identifier: Identifier) -> bytes:
        """Read the encoded cut-out of one galaxy.

        Raises:
            KeyError: There is no cut-out of this galaxy.
            ValueError: There are several, or the one there is cannot be read; says which and why.
        """
        names = self._names[identifier]
        if len(names) > 1:
            raise ValueError(f"{len(names)} cut-outs in the archive: {', '.join(names)}")
        return self._files.read(next(iter(names)))

    def place_of(self, identifier: Identifier) -> tuple[str, ...]:
        """The names of the files that hold a cut-out of one galaxy."""
        return tuple(self._names[identifier])

    def version_of(self, identifier: Identifier) -> tuple[Any, ...] | None:
        """What tells versions of one galaxy's files apart; None where only the archive does."""
        versions = [self._files.version(name) for name in self._names[identifier]]
        return None if None in versions else tuple(versions)

    def summary(self) -> dict[str, Any]:
        """Name, size in bytes and SHA-256 of the archive, and whether it is simulated."""
        return {**self._files.summary(), "simulated": self.simulated}

    def __iter__(self) -> Iterator[Identifier]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class FileSource:
    """Galaxies with a file for each cut-out.

    Args:
        files: All there are.
        layout: How they are laid out.
        beside: Opens a file that lies beside the archive; None where there is none.
    """

    def __init__(
        self, files: Files, layout: Layout, beside: Callable[[str], IO[bytes] | None]
    ) -> None:
        self._files = files
        self._layout = layout
        self._beside = beside
        self.simulated = is_simulated(files)

    def contents(self) -> list[tuple[Any, ...]]:
        """What tells versions of the galaxies apart, without reading their cut-outs."""
        layout = self._layout
        tables = [layout.label_file, layout.join.file if layout.join else None]
        beside: list[tuple[Any, ...]] = [
            (name, summary_of(file, name)["sha256"])
            for name in tables
            if name and (file := self._beside(name))
        ]
        return [*self._files.contents(), *beside]

    def labels(self) -> pd.DataFrame:
        """The galaxies as they are listed, every cell as text.

        Returns:
            Columns ``CATAID``, ``TARGET`` or those of votes, and those of ``split``, ``group``,
            ``ra``, ``dec``, ``radius`` and ``scale`` that are known. Splits that are understood
            have the names that we give them. What the first two are called where they come from
            stands in the attributes of the table.

        Raises:
            ValueError: There is no such list, or it cannot be read; says what was found.
        """
        labels = self._rows().drop(columns="file", errors="ignore")
        columns = self._layout.columns
        labels.attrs = {"CATAID": columns.identifier or "name", "TARGET": columns.label or "class"}
        return labels

    @property
    def unread_list(self) -> str | None:
        """The label list that is there, and that nobody needs to read; None for none."""
        layout = self._layout
        if layout.labelled or not layout.label_file or layout.columns.file:
            return None
        ends = f"/{layout.label_file}"
        return next((name for name in self._files if f"/{name}".endswith(ends)), None)

    def cutouts(self) -> FileCutouts:
        """The cut-outs by identifier.

        Raises:
            ValueError: None is where it is expected; says what was found.
        """
        if self._layout.label_file and not self._layout.columns.file:
            return self._named_like_galaxies()
        rows = self._rows()
        if not rows["file"].isin(list(self._files)).any():
            raise ValueError(
                f"{self._files.path} holds none of the {len(rows):,} cut-outs that are listed, "
                f"such as {next(iter(rows['file']), 'none')!r}. It holds {self._examples()}. Set "
                "`archive` and `columns.file` in globals.yml to where the cut-outs lie."
            )
        names: dict[Identifier, dict[str, None]] = defaultdict(dict)
        for text, name in zip(rows["CATAID"], rows["file"], strict=True):
            with suppress(ValueError):  # whoever cleans the labels says so
                names[read_cell(text, self._layout.identifiers)][name] = None
        listed = set(rows["file"])
        unnamed = {
            name: f"is not known, since {self._layout.label_file} does not name it"
            for name in self._images()
            if name not in listed
        }
        return FileCutouts(self._files, names, unnamed)

    def _named_like_galaxies(self) -> FileCutouts:
        suffix = self._layout.image_suffix
        names: dict[Identifier, list[str]] = defaultdict(list)
        unnamed = {}
        for name in self._files:
            image = PurePosixPath(name).name
            if not image.lower().endswith(suffix.lower()):
                continue
            try:
                identifier = read_identifier(
                    image[: len(image) - len(suffix)], self._layout.identifiers
                )
            except ValueError as error:
                unnamed[name] = str(error)
            else:
                names[identifier].append(name)
        if not names:
            raise ValueError(
                f"{self._files.path} holds no cut-outs: no file in it is named "
                f"<{self._layout.columns.identifier}>{suffix}. It holds {self._examples()}. Set "
                "`image_suffix` in globals.yml to what follows the identifier in your file names."
            )
        return FileCutouts(self._files, names, unnamed)

    def _rows(self) -> pd.DataFrame:
        return self._listed() if self._layout.label_file else self._in_folders()

    def _listed(self) -> pd.DataFrame:
        """The rows of the label list, with the ``file`` of each where columns tell it."""
        layout, columns = self._layout, self._layout.columns
        ours = {"CATAID": columns.identifier, "TARGET": columns.label, **columns.besides()}
        ours |= {name: name for name in columns.of_votes}
        ours = {name: column for name, column in ours.items() if column}
        wanted = dict.fromkeys([*ours.values(), *columns.in_file])
        if layout.join:
            wanted[layout.join.column] = None
        where, file = self._open(str(layout.label_file))
        exact = {str(columns.identifier), *columns.in_file}
        with file:
            table, found = read_table(file, where, list(map(str, wanted)), exact)
        if layout.join:
            table, found = self._joined(table, found, [name for name in wanted if name])
        if missing := [name for name in wanted if name not in table]:
            raise ValueError(
                f"{where} in {self._files.path} needs exactly one column {missing[0]}; the columns "
                f"are {found[:20]}. Set `columns` in globals.yml to the names of yours."
            )
        rows = pd.DataFrame({name: table[column] for name, column in ours.items()})
        if columns.file:
            folder = posixpath.dirname(where) if where in self._files else ""
            rows["file"] = [self._located(path, folder) for path in _paths(table, columns.file)]
        return self._in_our_words(rows)

    def _joined(
        self, table: pd.DataFrame, found: list[str], wanted: list[str]
    ) -> tuple[pd.DataFrame, list[str]]:
        """A table with what another has of the same galaxies, its rows in their order."""
        join = self._layout.join
        assert join is not None  # noqa: S101 - for mypy
        where, file = self._open(join.file)
        others = [join.equals, *(name for name in wanted if name not in table)]
        with file:
            other, of_other = read_table(file, where, others, {join.equals})
        for name, columns, there in ((join.column, table, found), (join.equals, other, of_other)):
            if name not in columns:
                raise ValueError(
                    f"`join` in globals.yml names a column {name}; there are {there[:20]}."
                )
        other = other.set_index(other[join.equals].map(digits_of), drop=False)
        other = other[[name for name in other if name not in table]]
        keys = table[join.column].map(digits_of).rename("key")
        joined = table.assign(key=keys).join(other[other.index != ""], on="key").fillna("")
        return joined.drop(columns="key"), [*found, *of_other]

    def _in_folders(self) -> pd.DataFrame:
        """A row for each image, with what its folders and the tables beside it tell."""
        tables = [
            self._metadata(name) for name in self._files if PurePosixPath(name).name in METADATA
        ]
        named = {name for table in tables for name in table["file"]}
        others = [name for name in self._images() if name not in named]
        rows = pd.concat([*tables, pd.DataFrame({"file": others}, dtype=str)], ignore_index=True)
        rows = rows.fillna("")
        paths = [PurePosixPath(name) for name in rows["file"]]
        is_number = self._layout.identifiers == "integer"
        told = {
            "CATAID": [_named(path.name if is_number else name)
                       for name, path in zip(rows["file"], paths, strict=True)],
            "TARGET": ["" if path.parent.name.lower() in SPLIT_OF else path.parent.name
                       for path in paths],
            "split": [_split_of(path) for path in paths],
        }  # fmt: skip
        for name, texts in told.items():
            said = rows.get(name, pd.Series("", rows.index))
            rows[name] = said.mask(said == "", pd.Series(texts, rows.index, dtype=str))
        return self._in_our_words(rows if rows["split"].any() else rows.drop(columns="split"))

    def _metadata(self, name: str) -> pd.DataFrame:
        """What a table beside images says of them, by our names for its columns."""
        columns = self._layout.columns
        ours = {"file": "file_name", **columns.besides()}
        ours |= {"CATAID": columns.identifier} if columns.identifier else {}
        ours |= {"TARGET": columns.label} if columns.label else {}
        with self._files.open(name) as file:
            table, found = read_table(file, name, list(ours.values()), {str(columns.identifier)})
        if "file_name" not in table:
            raise ValueError(
                f"{name} in {self._files.path} needs a column file_name; its columns are "
                f"{found[:20]}."
            )
        rows = pd.DataFrame({our: table[column] for our, column in ours.items() if column in table})
        rows = rows[(rows != "").any(axis=1)]  # no blank lines
        folder = posixpath.dirname(name)
        rows["file"] = [self._located(path, folder) for path in rows["file"]]
        return rows

    def _in_our_words(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Labels and splits as they are meant."""
        if "TARGET" in rows:
            labels = rows["TARGET"].unique()
            meant = {text: _meant(text, self._layout.label_values) for text in labels}
            rows["TARGET"] = rows["TARGET"].map(meant)
        if "split" in rows:
            rows["split"] = [SPLIT_OF.get(text.strip().lower(), text) for text in rows["split"]]
        return rows

    def _located(self, path: str, folder: str) -> str:
        """The name of the file that a path means: from where it is written, or from the top."""
        names = [
            self._files.relative(posixpath.join(start, path.strip()) if path.strip() else "")
            for start in dict.fromkeys((folder, "", self._top))
        ]
        return next((name for name in names if name in self._files), names[0])

    @cached_property
    def _top(self) -> str:
        """The folder that all files are in, as where a folder was packed; empty for none."""
        tops = {name.partition("/")[0] for name in self._files}
        return tops.pop() if len(tops) == 1 else ""

    def _open(self, table: str) -> tuple[str, IO[bytes]]:
        """A table in the archive, in whatever folder, or beside it; its name, and its content."""
        names = [name for name in self._files if f"/{name}".endswith(f"/{table}")]
        if len(names) == 1:
            return names[0], self._files.open(names[0])
        file = None if names else self._beside(table)
        if file:
            return table, file
        lists = [name for name in self._files if PurePosixPath(name).suffix.lower() in READERS]
        raise ValueError(
            f"Expected one label list named {table} in {self._files.path}, found {len(names)}; the "
            f"tables in it are {lists[:20] or 'none'}, its first members {self._examples()}. Set "
            "`label_file` in globals.yml to the name of yours."
        )

    def _images(self) -> Iterator[str]:
        named = [self._layout.label_file, self._layout.join.file if self._layout.join else None]
        tables = tuple(f"/{table}" for table in named if table)  # FITS may be either
        return (
            name
            for name in self._files
            if name.lower().endswith(IMAGES) and not f"/{name}".endswith(tables)
        )

    def _examples(self) -> list[str] | str:
        return list(islice(self._files, 3)) or "nothing"


def is_simulated(files: Files) -> bool:
    """Whether an archive says of itself that its galaxies are simulated.

    Args:
        files: All it holds.
    """
    return any(PurePosixPath(name).name == SIMULATED for name in files)


def _paths(table: pd.DataFrame, file: str) -> Iterator[str]:
    """The path of each cut-out, from a column or from a text with columns in braces."""
    names = BRACES.findall(file)
    if not names:
        return iter(table[file])
    pieces = BRACES.sub("\0", file).split("\0")
    cells = zip(*(table[name].map(digits_of) for name in names), strict=True)
    return (
        "".join(chain.from_iterable(zip_longest(pieces, row, fillvalue=""))) if all(row) else ""
        for row in cells
    )


def _meant(label: str, values: Mapping[str, int | str]) -> str:
    text = label.strip()
    return next((str(value) for some, value in values.items() if fnmatchcase(text, some)), text)


def _named(file: str) -> str:
    """The name of a file, without what follows it for its format."""
    suffixes = [suffix for suffix in IMAGES if file.lower().endswith(suffix)]
    suffix = max(suffixes, key=len, default=PurePosixPath(file).suffix)
    return file[: len(file) - len(suffix)]


def _split_of(path: PurePosixPath) -> str:
    """The split that the nearest folder is named for."""
    named = [part.lower() for part in path.parts[:-1] if part.lower() in SPLIT_OF]
    return SPLIT_OF[named[-1]] if named else ""
