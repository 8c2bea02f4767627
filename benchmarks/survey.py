"""The galaxies that are worked on: those of an archive, or copies of them where many are needed.

Sets no environment: the original runs in processes that inherit it, with the libraries as shipped.
"""

import csv
import io
import zipfile
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from galaxy_morphology.datasets.cutout_archive import ArchiveLabelsDataset, CutoutArchiveDataset
from galaxy_morphology.imaging import clean_labels, read_cutouts

SIDE = 256


def lay_out(archive: Path, folder: Path, n_accuracy: int | None) -> dict[str, Any]:
    """Read an archive, and lay out its galaxies as both ways of working want to find them.

    Args:
        archive: In the layout of GALAXIES.zip.
        folder: Gets ``galaxies.npy`` (uint8 [N, 128, 128, 3], in random order), ``classes.npy``
            (int32 [N]), and the original's split of the first ``n_accuracy``, 80 to 20,
            stratified: ``training_rows.npy`` and ``validation_rows.npy``.
        n_accuracy: Galaxies to reach an accuracy on; None is all. With a few hundred, the
            original never leaves 0.5: its BatchNormalization takes some 500 steps to settle.

    Returns:
        ``galaxies`` in the archive, ``accuracy_galaxies``, and whether they are ``simulated``.
    """
    from sklearn.model_selection import train_test_split

    cutouts = CutoutArchiveDataset(filepath=str(archive)).load()
    labels, _ = clean_labels(
        ArchiveLabelsDataset(filepath=str(archive), label_file="2class_list.csv").load(),
        {0: "Elliptical", 1: "Other"},
    )
    shuffled = labels.sample(frac=1, random_state=0, ignore_index=True)
    images, galaxies, _ = read_cutouts(
        cutouts, shuffled, side=128, minimum_side=16, maximum_side=4096
    )
    np.save(folder / "galaxies.npy", np.stack(list(images)))
    classes = galaxies["target"].to_numpy(np.int32)
    np.save(folder / "classes.npy", classes)
    rows = np.arange(min(n_accuracy or len(classes), len(classes)))
    parts = train_test_split(rows, test_size=0.2, stratify=classes[rows], random_state=42)
    for name, part in zip(("training_rows", "validation_rows"), parts, strict=True):
        np.save(folder / f"{name}.npy", np.sort(part))
    return {
        "galaxies": len(classes),
        "accuracy_galaxies": len(rows),
        "simulated": cutouts.simulated,
    }


def write_archive(archive: Path, target: Path, n_galaxies: int) -> None:
    """Write an archive of cut-outs of 256 px, as many as wanted, each again and again.

    Args:
        archive: Where the cut-outs come from; others than 256 px are resampled.
        target: The archive to write.
        n_galaxies: Cut-outs in it.
    """
    encoded = _pictures(archive)
    # By its picture: one picture under two labels is rejected.
    targets = [(i % len(encoded)) % 2 for i in range(n_galaxies)]
    table = io.StringIO()
    csv.writer(table).writerows([("CATAID", "TARGET"), *enumerate(targets, start=1)])
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("GALAXIES/2class_list.csv", table.getvalue())
        for cataid, image in zip(range(1, n_galaxies + 1), cycle(encoded), strict=False):
            file.writestr(f"GALAXIES/DATA/{cataid}_giH.png", image)


def write_galaxy10(archive: Path, target: Path, n_galaxies: int) -> None:
    """Write a file in the layout of Galaxy10 DECaLS, compressed as h5py does when it is asked to.

    Its pictures are those of an archive, each again and again with other noise.

    Args:
        archive: Where the cut-outs come from; others than 256 px are resampled.
        target: The file to write.
        n_galaxies: Cut-outs in it.
    """
    import h5py

    some = cycle(_pictures(archive))
    rng = np.random.default_rng(0)
    target.parent.mkdir(parents=True)
    with h5py.File(target, "w") as file:
        images = file.create_dataset(
            "images", (n_galaxies, SIDE, SIDE, 3), np.uint8, compression="gzip", chunks=True
        )
        for start in range(0, n_galaxies, images.chunks[0]):
            shape = (min(images.chunks[0], n_galaxies - start), SIDE, SIDE, 3)
            block = rng.integers(0, 9, shape, np.uint8)
            for image, encoded in zip(block, some, strict=False):
                picture: Any = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
                cv2.add(image, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), image)
            images[start : start + len(block)] = block
        file["ans"] = (np.arange(n_galaxies) % 10).astype(np.uint8)
        file["ra"] = rng.uniform(0, 360, n_galaxies)
        file["dec"] = rng.uniform(-20, 80, n_galaxies)
        file["redshift"] = rng.uniform(0, 0.2, n_galaxies)
        file["pxscale"] = np.full(n_galaxies, 0.262)


def write_many(folder: Path, n_galaxies: int) -> None:
    """Write ``many_galaxies.npy``, the galaxies of ``galaxies.npy`` again and again."""
    images = np.load(folder / "galaxies.npy", mmap_mode="r")
    many = np.lib.format.open_memmap(
        folder / "many_galaxies.npy", "w+", np.uint8, (n_galaxies, *images.shape[1:])
    )
    for start in range(0, n_galaxies, len(images)):
        some = min(len(images), n_galaxies - start)
        many[start : start + some] = images[:some]
    many.flush()


def _pictures(archive: Path) -> list[bytes]:
    """Different cut-outs of an archive, 500 at most, encoded."""
    cutouts = CutoutArchiveDataset(filepath=str(archive)).load()
    found = (_of_one_size(bytes(cutouts[cataid])) for cataid in islice(cutouts, 500))
    return list(dict.fromkeys(image for image in found if image))


def _of_one_size(encoded: bytes) -> bytes | None:
    """A cut-out as one of 256 px; None where it is damaged."""
    image: Any = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return None
    if image.shape[:2] == (SIDE, SIDE):
        return encoded
    resized = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return bytes(cv2.imencode(".png", resized)[1])
