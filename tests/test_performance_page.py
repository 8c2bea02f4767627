"""The page on performance is what the benchmarks write."""

import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import report

MIB = 1024**2


def runs(*seconds: float, **more: Any) -> list[dict[str, Any]]:
    """Three runs of so many seconds, and what else was found of each."""
    return [{"seconds": [one], "peak_memory": 100 * MIB, **more} for one in seconds]


@pytest.fixture
def results() -> dict[str, Any]:
    """As ``python -m benchmarks`` writes them to its file, with round numbers."""
    both = {"original": runs(20, 24, 28), "ours": runs(10, 12, 14)}
    rate = [{"rate": 200e9}] * 3
    few_and_many = {"few": {"peak_memory": 90 * MIB}, "many": {"peak_memory": 110 * MIB}}
    accuracy = {"reached": True, "epochs": 1, "accuracy": 0.9}
    calls = {"seconds": [4.0, 2.0], "peak_memory": MIB}
    return {
        "about": {
            "galaxies": 3_626, "accuracy_galaxies": 3_626, "simulated": False,
            "date": "2026-01-31", "processor": "AMD EPYC (avx2, avx512f, avx512_bf16)", "cores": 2,
            "python": "3.11.7", "tensorflow": "2.21.0", "keras": "3.15.1",
        },
        "reading": {**both, **few_and_many},
        "training": {
            "original": runs(20, 20, 20, galaxies=1_000),
            "ours": runs(10, 10, 10, galaxies=1_000, operations=1e12),
            "bfloat16": runs(5, 5, 5, galaxies=1_000), "machine": rate,
        },
        "galaxy10": {"few": runs(12)[0], "many": runs(90)[0]},
        "prediction": {
            **few_and_many, "original": runs(8, 8, 8), "ours": runs(4, 4, 4, operations=4e11),
            "bfloat16": runs(2, 2, 2), "machine": rate,
        },
        "grad_cam": {"original": [calls] * 3, "ours": [calls] * 3},
        "integrated_gradients": both,
        "lime": {
            "original": runs(20, 20, 20, r_squared=[0.6, 0.7, 0.8]),
            "ours": runs(10, 10, 10, r_squared=[0.4, 0.5, 0.6]),
            "package": {"r_squared": [0.5, 0.6, 0.7]},
        },
        "start": {"registry": [1.0, 1.2, 1.4], "data_processing": [4.0, 4.2, 4.4]},
        "accuracy": {
            "original": [
                {"seconds": [1_000.0], "peak_memory": MIB, "accuracy": accuracy, "accuracies": some}
                for accuracy, some in ((0.8, [0.5, 0.8]), (0.7, [0.7]), (0.75, [0.6, 0.6, 0.75]))
            ],
            "ours": runs(30, 31, 40, **accuracy),
            "compact": runs(15, 16, 20, **accuracy),
        },
    }  # fmt: skip


def test_the_page_in_docs_is_written_by_the_benchmarks(
    project: Path, results: dict[str, Any]
) -> None:
    page = (project / "docs" / "performance.md").read_text()
    without_notes = re.sub(r"(^>.*\n)+\n", "", page, flags=re.M)  # on an older measurement
    prose = re.split(r"\{\w+\}", report.TEMPLATE.read_text())
    assert len(prose) == 8
    assert re.fullmatch(".+?".join(map(re.escape, prose)), without_notes, re.S)
    for line in report.table(results).splitlines():
        if line.startswith("|"):
            assert f"\n{line.split(' | ')[0]}" in page, line


def test_its_prose_holds_what_was_measured(results: dict[str, Any]) -> None:
    page = " ".join(report.page(results).split())
    assert report.table(results).split("\n")[2] in page
    # By hand: medians of 12 s for 5,900 cut-outs and 4 s for 4,000, and 10 s for 1,000 galaxies.
    assert "reading takes 2.0 ms per cut-out, prediction 1.0 ms" in page
    assert "90 s and 100 MiB for 17,736 galaxies of 256 px, 12 s and 100 MiB for 1,774." in page
    assert "an epoch of the three-block CNN 10.0 ms per training galaxy" in page
    assert "validation accuracies of 0.800, 0.700 and 0.750 (seeds 1, 2 and 3" in page
    assert "three-block CNN passed these after 1, 1 and 1 epochs, in 30 to 40 s, and" in page
    assert "the compact network after 1, 1 and 1 epochs, in 15 to 20 s, compilation" in page


def test_its_prose_says_what_was_never_reached(results: dict[str, Any]) -> None:
    results["accuracy"]["ours"][1]["reached"] = False
    for run in results["accuracy"]["compact"]:
        run["reached"] = False
    page = " ".join(report.page(results).split())
    assert "passed these after 1 and 1 epochs, in 30 to 40 s (1 of 3 never did)" in page
    assert "the compact network in none of its trainings" in page


def test_page_and_figure_are_written_together_or_not_at_all(
    results: dict[str, Any], tmp_path: Path
) -> None:
    partial = {name: value for name, value in results.items() if name not in ("lime", "start")}
    with pytest.raises(ValueError, match=r'lime, start. Run `make benchmark ARGS="lime start"`'):
        report.write(partial, tmp_path)
    assert not any(tmp_path.iterdir())
    report.write(results, tmp_path)
    assert (tmp_path / "performance.md").read_text() == report.page(results)
    assert (tmp_path / "benchmark.png").read_bytes().startswith(b"\x89PNG")
