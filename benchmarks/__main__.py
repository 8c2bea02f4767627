"""Measure both ways of doing every piece of work in turns, and write docs/performance.md.

``python -m benchmarks`` does all of it; ``python -m benchmarks reading lime`` measures these two
again and keeps the other results.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import report, survey
from benchmarks import scoring as layout
from benchmarks.measure import measure

PROJECT = Path(__file__).parents[1]
RESULTS = PROJECT / "build" / "benchmarks"
DOCS = PROJECT / "docs"
REPEATS = 3
SEEDS = (1, 2, 3)

Result = dict[str, Any]


def reading(folder: Path, archive: Path) -> Result:
    """Archive to arrays; and how memory grows with the archive."""
    for n_galaxies in (2_000, 5_900, 20_000):
        survey.write_archive(archive, folder / f"{n_galaxies}.zip", n_galaxies)
    return {
        **_in_turns("reading", folder, n_galaxies=5_900),
        "few": measure("ours", "reading", folder, n_galaxies=2_000),
        "many": measure("ours", "reading", folder, n_galaxies=20_000),
    }


def galaxy10(folder: Path, archive: Path) -> Result:
    """A file in the layout of Galaxy10 DECaLS, as large as it and a tenth of that."""
    result = {}
    for which, n_galaxies in (("few", 1_774), ("many", 17_736)):
        data_root = folder / f"galaxy10_{n_galaxies}"
        survey.write_galaxy10(archive, data_root / "01_raw" / "Galaxy10_DECals.h5", n_galaxies)
        result[which] = measure("ours", "galaxy10", data_root)
        shutil.rmtree(data_root)  # gigabytes
    return result


def training(folder: Path, archive: Path) -> Result:
    """Images a second, with the network, batch and augmentation of the original."""
    return _in_turns(
        "training", folder, variants={"bfloat16": {"precision": "mixed_bfloat16"}},
        n_galaxies=1_000, seed=1,
    )  # fmt: skip


def prediction(folder: Path, archive: Path) -> Result:
    """Classifying; and how memory grows with the galaxies."""
    survey.write_many(folder, 20_000)
    return {
        **_in_turns(
            "prediction", folder, variants={"bfloat16": {"precision": "mixed_bfloat16"}},
            n_galaxies=4_000,
        ),
        "few": measure("ours", "prediction", folder, n_galaxies=2_000),
        "many": measure("ours", "prediction", folder, n_galaxies=20_000),
    }  # fmt: skip


def grad_cam(folder: Path, archive: Path) -> Result:
    """Grad-CAM of 64 galaxies."""
    return _in_turns("grad_cam", folder, n_galaxies=64)


def integrated_gradients(folder: Path, archive: Path) -> Result:
    """Integrated Gradients of 16 galaxies in 50 steps."""
    return _in_turns("integrated_gradients", folder, n_galaxies=16, steps=50)


def lime(folder: Path, archive: Path) -> Result:
    """LIME of 8 galaxies with 1,000 samples."""
    amount: Result = {"n_galaxies": 8, "n_samples": 1_000}
    package = measure("ours", "lime_package", folder, **amount)
    return {**_in_turns("lime", folder, **amount), "package": package}


def start(folder: Path, archive: Path) -> Result:
    """Seconds from the command to its end, for the two shortest commands."""
    data_root = folder / "start"
    raw = data_root / "01_raw"
    raw.mkdir(parents=True)
    survey.write_archive(archive, raw / "GALAXIES.zip", 60)
    commands = {
        "registry": ["registry", "list"],
        "data_processing": [
            *("run", "--pipelines", "data_processing"), "--params", f"data_root={data_root}"
        ],
    }  # fmt: skip
    return {
        name: [_seconds_of_kedro(command) for _ in range(5)] for name, command in commands.items()
    }


def accuracy(folder: Path, archive: Path) -> Result:
    """How soon the accuracy is reached with which the original ends."""
    n_galaxies = sum(
        len(np.load(folder / f"{part}_rows.npy")) for part in ("training", "validation")
    )
    original: list[Result] = []
    three_block: list[Result] = []
    compact: list[Result] = []
    for seed in SEEDS:
        of_both: dict[str, Any] = {"n_galaxies": n_galaxies, "seed": seed}
        original.append(measure("original", "accuracy", folder, **of_both))
        wanted = original[-1]["accuracy"]
        for network, results in ("three_block", three_block), ("compact", compact):
            results.append(
                measure("ours", "accuracy", folder, **of_both, network=network, wanted=wanted)
            )
    return {"original": original, "ours": three_block, "compact": compact}


def scoring(folder: Path, archive: Path, sizes: list[int]) -> Result:
    """Classifying a survey of each size: the plain way, in one process, on Dask."""
    found: Result = {}
    for n_galaxies in sizes:
        layout.lay_out(archive, folder, n_galaxies)
        of_all: dict[str, Any] = {"n_galaxies": n_galaxies}
        found[str(n_galaxies)] = {
            "plain": measure("scoring", "plain", folder, **of_all),
            "one_process": measure("scoring", "one_process", folder, **of_all),
            "bfloat16": measure(
                "scoring", "one_process", folder, **of_all, precision="mixed_bfloat16"
            ),
            "dask_1": measure("scoring", "dask", folder, **of_all, workers=1),
            "dask_2": measure("scoring", "dask", folder, **of_all, workers=2),
            "decoding": measure("scoring", "decoding", folder, **of_all),
            "network": measure("scoring", "network", folder, **of_all),
        }
    found["rows"] = {
        str(n_galaxies): measure("scoring", "many_rows", folder, n_galaxies=n_galaxies)
        for n_galaxies in (10_000, 1_000_000)
    }
    return found


WORK: dict[str, Callable[[Path, Path], Result]] = {
    work.__name__: work
    for work in (
        reading, galaxy10, training, prediction, grad_cam, integrated_gradients, lime, start,
        accuracy,
    )
}  # fmt: skip
OF_A_CLASSIFIER = {"prediction", "grad_cam", "integrated_gradients", "lime"}


def main() -> None:
    """Measure what the command line names, or everything, and report it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "work", nargs="*", help=f"of {', '.join(WORK)}, all when none is named; or survey, alone"
    )
    parser.add_argument("--archive", type=Path, help="by default that of `make run`")
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[10_000, 100_000],
        help="of the surveys that `survey` classifies",
    )
    parser.add_argument("--galaxies", type=int, help="to reach an accuracy on; by default all")
    options = parser.parse_args()
    if options.work == ["survey"]:
        return _score_surveys(options.archive, options.sizes)
    if unknown := sorted(set(options.work) - set(WORK)):
        parser.error(f"found {', '.join(unknown)}; expected some of {', '.join(WORK)}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / "results.json"
    results: Result = json.loads(file.read_text()) if options.work and file.exists() else {}
    with TemporaryDirectory(dir=RESULTS) as temporary:
        folder = Path(temporary)
        archive = options.archive or _default_archive(folder)
        about = survey.lay_out(archive, folder, options.galaxies)
        about |= report.machine()
        if results.get("about") != about:
            results = {"about": about}  # what was measured elsewhere does not belong beside it
        print(f"Working on {archive.name}: {about}", flush=True)
        if OF_A_CLASSIFIER & set(options.work or WORK):
            measure("ours", "train_classifier", folder)
        for name in options.work or WORK:
            started = time.perf_counter()
            results[name] = WORK[name](folder, archive)
            file.write_text(json.dumps(results, indent=1))
            print(f"{name}: measured in {time.perf_counter() - started:.0f} s", flush=True)
    print(f"\n{report.table(results)}\nAll numbers lie in {file}.")
    if missing := [name for name in WORK if name not in results]:
        print(f"{DOCS} is left as it is, since these were not measured: {', '.join(missing)}.")
    else:
        report.write(results, DOCS)
        print(f"{DOCS / 'performance.md'} and its figure are written anew.")


def _score_surveys(archive: Path | None, sizes: list[int]) -> None:
    """Measure surveys alone: they are no part of the page on performance."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=RESULTS) as temporary:
        folder = Path(temporary)
        found = scoring(folder, archive or _default_archive(folder), sizes)
    results = {"about": report.machine(), **found}
    (RESULTS / "survey.json").write_text(json.dumps(results, indent=1))
    print(f"{report.surveys(results)}\nAll numbers lie in {RESULTS / 'survey.json'}.")


def _in_turns(
    work: str, folder: Path, variants: dict[str, Result] | None = None, **arguments: Any
) -> Result:
    """Both ways of a piece of work, variants of ours and matrix products, in changing order."""
    ways: dict[str, tuple[str, str, Result]] = {
        "original": ("original", work, arguments),
        "machine": ("ours", "matrix_products", {}),
        "ours": ("ours", work, arguments),
        **{name: ("ours", work, arguments | changes) for name, changes in (variants or {}).items()},
    }
    results: dict[str, list[Result]] = {name: [] for name in ways}
    for repeat in range(REPEATS):
        for name in list(ways)[:: -1 if repeat % 2 else 1]:
            side, its_work, its_arguments = ways[name]
            results[name].append(measure(side, its_work, folder, **its_arguments))
    return results


def _seconds_of_kedro(command: list[str]) -> float:
    started = time.perf_counter()
    kedro = Path(sys.executable).with_name("kedro")
    subprocess.run([kedro, *command], cwd=PROJECT, check=True, capture_output=True)
    return time.perf_counter() - started


def _default_archive(folder: Path) -> Path:
    """That of ``make run``: the user's, else a simulated one."""
    archive = PROJECT / "data" / "01_raw" / "GALAXIES.zip"
    if archive.exists():
        return archive
    print(f"There is no archive at {archive}: working on SIMULATED galaxies.", flush=True)
    _seconds_of_kedro(
        ["run", "--env", "demo", "--pipelines", "simulation", "--params", f"data_root={folder}"]
    )
    return folder / "01_raw" / "GALAXIES.zip"


if __name__ == "__main__":
    main()
