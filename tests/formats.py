"""The same galaxies in every form that people have them in, written by hand from its layout."""

import gzip
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from astropy.io import fits
from astropy.table import Table
from numpy.typing import NDArray
from survey import draw_galaxy, encode, write_archive

from galaxy_morphology.datasets.cutout_archive import ArchiveLabelsDataset, CutoutArchiveDataset

CLASSES = {0: "Elliptical", 1: "Other"}


@dataclass
class Galaxies:
    """Galaxies with identifiers from 0, in the order of their rows."""

    images: NDArray[np.uint8]
    targets: NDArray[np.int64]
    encoded: dict[int, bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.encoded = {row: encode(image) for row, image in enumerate(self.images)}


def draw(n_galaxies: int, *, side: int = 40, seed: int = 0) -> Galaxies:
    """Round (0) and elongated (1) galaxies by lot, at least one of each."""
    rng = np.random.default_rng(seed)
    targets = rng.permutation(np.arange(n_galaxies) % 2)
    ratios = np.where(targets == 1, 0.3, 0.95)
    images = [draw_galaxy(rng, axis_ratio=float(ratio), side=side) for ratio in ratios]
    return Galaxies(np.stack(images), targets)


def write_tar(path: Path, members: Mapping[str, bytes], mode: str = "w") -> Path:
    """A tar archive with these members in this order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return path


def write_folder(path: Path, files: Mapping[str, bytes]) -> Path:
    """A folder with these files."""
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def write_hdf5(path: Path, **arrays: Any) -> Path:
    """An HDF5 file with these arrays, in small compressed chunks as h5py makes them."""
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, compression="gzip", chunks=True)
    return path


def label_list(galaxies: Galaxies) -> str:
    rows = [f"{row},{target}" for row, target in enumerate(galaxies.targets)]
    return "\n".join(["CATAID,TARGET", *rows])


def in_zip(folder: Path, galaxies: Galaxies) -> dict[str, Any]:
    write_archive(folder / "GALAXIES.zip", galaxies.encoded, label_list(galaxies))
    return {"filepath": f"{folder}/GALAXIES.zip"}


def members_of(galaxies: Galaxies) -> dict[str, bytes]:
    cutouts = {f"a/DATA/{row % 3}/{row}_giH.png": c for row, c in galaxies.encoded.items()}
    return {"a/2class_list.csv": label_list(galaxies).encode(), **cutouts}


def in_tar(folder: Path, galaxies: Galaxies) -> dict[str, Any]:
    write_tar(folder / "g.tar", members_of(galaxies))
    return {"filepath": f"{folder}/g.tar"}


def in_gzipped_tar(folder: Path, galaxies: Galaxies) -> dict[str, Any]:
    backwards = dict(reversed(members_of(galaxies).items()))
    write_tar(folder / "g.tar.gz", backwards, "w:gz")
    return {"filepath": f"{folder}/g.tar.gz"}


def in_folder(folder: Path, galaxies: Galaxies) -> dict[str, Any]:
    write_folder(folder / "galaxies", members_of(galaxies))
    return {"filepath": f"{folder}/galaxies"}


def at_an_address(folder: Path, galaxies: Galaxies) -> dict[str, Any]:
    import fsspec

    system = fsspec.filesystem("memory")
    system.pipe({f"{folder}/galaxies/{name}": c for name, c in members_of(galaxies).items()})
    return {"filepath": f"memory://{folder}/galaxies"}


def zip_at_an_address(folder: Path, galaxies: Galaxies) -> dict[str, Any]:
    return {"filepath": f"file://{in_zip(folder, galaxies)['filepath']}"}


def zoobot_table(galaxies: Galaxies) -> pd.DataFrame:
    rows = range(len(galaxies.images))
    return pd.DataFrame(
        {
            "id_str": [f"J{row:06d}.28-005109.6" for row in rows],
            "file_loc": [f"images/{row % 2}/J{row:06d}.28-005109.6.png" for row in rows],
            "label": [CLASSES[int(target)] for target in galaxies.targets],
            "smooth-or-featured_smooth": 0.25,
        }
    )


ZOOBOT: dict[str, Any] = {
    "identifiers": "text",
    "columns": {"identifier": "id_str", "file": "file_loc", "label": "label"},
}


def of_zoobot(folder: Path, galaxies: Galaxies, suffix: str) -> dict[str, Any]:
    table = zoobot_table(galaxies)
    files = dict(zip(table["file_loc"], galaxies.encoded.values(), strict=True))
    write_folder(folder / "01_raw", files)
    path = folder / "01_raw" / f"catalogue{suffix}"
    if suffix == ".csv":
        table["file_loc"] = f"{folder}/01_raw/" + table["file_loc"]  # as it often comes
        table.to_csv(path, index=False)
    elif suffix == ".parquet":
        table.to_parquet(path)
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_dict("records")))
    else:
        kind = {".fits": "fits", ".vot": "votable"}[suffix]
        columns = {name: list(table[name]) for name in table}
        Table(columns).write(path, format=kind)
    return {"filepath": f"{folder}/01_raw", "label_file": f"catalogue{suffix}", **ZOOBOT}


def of_galaxy_zoo_2(
    folder: Path, galaxies: Galaxies, encoded: Mapping[int, bytes] | None = None
) -> dict[str, Any]:
    """The archive and the two tables beside it; objects of 18 digits, 3 apart."""
    folder.mkdir(exist_ok=True)
    identifiers = [587722981736120347 + 3 * row for row in range(len(galaxies.images))]
    assets = [58957 + 7 * row for row in range(len(galaxies.images))]
    names = {0: ["Er", "Ei", "Ec"], 1: ["Sb", "SBc2m", "Ser"]}
    pd.DataFrame(
        {
            "dr7objid": identifiers,
            "ra": 160.0,
            "dec": -1.0,
            "gz2_class": [names[int(t)][row % 3] for row, t in enumerate(galaxies.targets)],
            "total_classifications": 44,
        }
    ).to_csv(folder / "gz2_hart16.csv", index=False)
    mapping = pd.DataFrame({"objid": identifiers, "sample": "original", "asset_id": assets})
    mapping[::-1].to_csv(folder / "gz2_filename_mapping.csv", index=False)
    cutouts = dict(zip(assets, (encoded or galaxies.encoded).values(), strict=True))
    others = {f"images/{asset}.jpg": content for asset, content in cutouts.items()}
    write_archive(folder / "images_gz2.zip", {}, "", others=others)
    return {
        "filepath": f"{folder}/images_gz2.zip",
        "label_file": "gz2_hart16.csv",
        "columns": {
            "identifier": "dr7objid", "label": "gz2_class", "file": "images/{asset_id}.jpg",
            "ra": "ra", "dec": "dec",
        },
        "join": {"file": "gz2_filename_mapping.csv", "column": "dr7objid", "equals": "objid"},
        "label_values": {"E*": 0, "S*": 1},
    }  # fmt: skip


def of_galaxy10(folder: Path, galaxies: Galaxies) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    n_galaxies = len(galaxies.images)
    write_hdf5(
        folder / "Galaxy10_DECals.h5",
        images=galaxies.images,
        ans=galaxies.targets.astype(np.uint8),
        ra=np.linspace(0, 359, n_galaxies),
        dec=np.linspace(-30, 80, n_galaxies),
        redshift=np.full(n_galaxies, np.nan),
        pxscale=np.full(n_galaxies, 0.262),
    )
    return {
        "filepath": f"{folder}/Galaxy10_DECals.h5",
        "label_file": None,
        "columns": {"image": "images", "label": "ans", "ra": "ra", "dec": "dec"},
        "image_side": galaxies.images.shape[1],
    }


def galaxy10(side: int, n_galaxies: int = 80) -> dict[str, Any]:
    """The arrays of one of the two data sets, an equal number of each class."""
    small = draw(n_galaxies, side=32).images
    images = small.repeat(-(-side // 32), axis=1).repeat(-(-side // 32), axis=2)
    return {"images": images[:, :side, :side], "ans": np.arange(n_galaxies, dtype=np.uint8) % 10}


def in_class_folders(folder: Path, galaxies: Galaxies) -> dict[str, Any]:
    files = {
        f"{CLASSES[int(galaxies.targets[row])]}/{row}.png": content
        for row, content in galaxies.encoded.items()
    }
    write_folder(folder / "galaxies", files)
    return {"filepath": f"{folder}/galaxies", "label_file": None, "columns": {}}


def in_one_folder_with_metadata(folder: Path, galaxies: Galaxies) -> dict[str, Any]:
    files = {f"train/{row}.png": content for row, content in galaxies.encoded.items()}
    rows = [
        json.dumps({"file_name": f"{row}.png", "label": int(target)})
        for row, target in enumerate(galaxies.targets)
    ]
    write_folder(folder, {**files, "train/metadata.jsonl": "\n".join(rows).encode()})
    return {"filepath": str(folder), "label_file": None, "columns": {"label": "label"}}


def fits_of(image: NDArray[Any], **keywords: Any) -> bytes:
    """A cut-out as a cube of bands from blue to red, its first row in the south."""
    buffer = BytesIO()
    cube = image[::-1].transpose(2, 0, 1)[::-1].astype(np.float32)
    fits.PrimaryHDU(cube, fits.Header(keywords)).writeto(buffer)
    return buffer.getvalue()


def of_fits(folder: Path, galaxies: Galaxies, *, in_zip: bool = False) -> dict[str, Any]:
    members = {f"{row}.fits": fits_of(image) for row, image in enumerate(galaxies.images)}
    members["2class_list.csv"] = label_list(galaxies).encode()
    if not in_zip:
        return {"filepath": str(write_folder(folder, members)), "image_suffix": ".fits"}
    write_archive(folder / "GALAXIES.zip", {}, "", label_file="x", others=members)
    return {"filepath": f"{folder}/GALAXIES.zip", "image_suffix": ".fits"}


def of_fits_in_class_folders(folder: Path, galaxies: Galaxies) -> dict[str, Any]:
    files = {
        f"{CLASSES[int(galaxies.targets[row])]}/{row}.fits": fits_of(image)
        for row, image in enumerate(galaxies.images)
    }
    files |= {f"{name}.gz": gzip.compress(files.pop(name), 1) for name in list(files)[::2]}
    return {"filepath": str(write_folder(folder, files)), "label_file": None, "columns": {}}


def load(source: dict[str, Any]) -> tuple[Any, pd.DataFrame]:
    """The cut-outs and the labels of a source, as the two datasets of the catalog load them."""
    return CutoutArchiveDataset(**source).load(), ArchiveLabelsDataset(**source).load()


SOURCES: dict[str, Callable[[Path, Galaxies], dict[str, Any]]] = {
    "zip": in_zip,
    "zip at an address": zip_at_an_address,
    "tar": in_tar,
    "tar.gz": in_gzipped_tar,
    "folder": in_folder,
    "folder at an address": at_an_address,
    "csv": partial(of_zoobot, suffix=".csv"),
    "jsonl": partial(of_zoobot, suffix=".jsonl"),
    "parquet": partial(of_zoobot, suffix=".parquet"),
    "fits": partial(of_zoobot, suffix=".fits"),
    "votable": partial(of_zoobot, suffix=".vot"),
    "galaxy zoo 2": of_galaxy_zoo_2,
    "galaxy10": of_galaxy10,
    "class folders": in_class_folders,
    "metadata": in_one_folder_with_metadata,
    "fits cut-outs": of_fits,
    "fits cut-outs in a zip": partial(of_fits, in_zip=True),
    "fits in class folders": of_fits_in_class_folders,
}
"""Ways to lay galaxies out in a folder, which return how they are read."""
