"""What was measured, as a table, as a figure, and as the page on performance."""

import os
import platform
from collections.abc import Iterable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import mean, median
from typing import Any

from matplotlib.figure import Figure

Result = dict[str, Any]

GOALS = {
    "reading": 2.0,
    "training": 1.8,
    "accuracy": 4.0,
    "prediction": 1.8,
    "grad_cam": 5.0,
    "integrated_gradients": 2.0,
    "lime": 2.0,
}
"""How many times as fast as the original every piece of work is meant to be."""
TITLES = {
    "reading": "Archive to arrays, 5,900 cut-outs of 256 px",
    "training": "Training, same network, batch and augmentation",
    "accuracy": "To the accuracy of the original's 20 epochs",
    "prediction": "Prediction, 4,000 galaxies",
    "grad_cam": "Grad-CAM, 64 galaxies",
    "integrated_gradients": "Integrated Gradients, 50 steps, 16 galaxies",
    "lime": "LIME, 1,000 samples, 8 galaxies",
}
MIB = 1024**2
TEMPLATE = Path(__file__).with_name("performance.md")
"""The prose of the page on performance, with fields for what is measured."""


def machine() -> dict[str, Any]:
    """What the numbers were measured on, and when."""
    processor = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line.partition(":") for line in cpuinfo.read_text().splitlines()]
        fields = {name.strip(): value.strip() for name, _, value in lines}
        known = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
                 if name in fields.get("flags", "").split()]  # fmt: skip
        processor = f"{fields.get('model name', processor)} ({', '.join(known)})"
    return {
        "date": date.today().isoformat(),
        "processor": processor,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "tensorflow": version("tensorflow"),
        "keras": version("keras"),
    }


def table(results: Result) -> str:
    """Markdown of everything that was measured, with what it was measured on."""
    about = results["about"]
    measured = [name for name in TITLES if name in results]
    lines = [
        "| work | original | this project | times as fast | goal | peak memory, MiB |",
        "|---|---|---|---|---|---|",
        *(_row(name, results[name]) for name in measured),
        "",
        *(f"- {TITLES[name]}: {'; '.join(_notes(results[name]))}." for name in measured
          if _notes(results[name])),
    ]  # fmt: skip
    if "galaxy10" in results:
        lines.append(_galaxy10(results["galaxy10"]))
    if "start" in results:
        lines += ["", *_start(results["start"])]
    galaxies = "simulated galaxies" if about["simulated"] else "galaxies"
    lines += [
        "",
        f"Measured on {about['date']} with `make benchmark`: {about['processor']}, "
        f"{about['cores']} cores, Python {about['python']}, TensorFlow {about['tensorflow']}, "
        f"Keras {about['keras']}; an archive of {about['galaxies']:,} {galaxies}. Medians, and "
        "lowest to highest, of alternating runs in processes of their own.",
    ]
    return "\n".join(lines) + "\n"


def surveys(results: Result) -> str:
    """Markdown of how fast surveys were classified, and what larger ones would take.

    Args:
        results: By number of galaxies, by way of classifying; ``rows`` and ``about``.
    """
    ways = {
        "plain": "Keras' `image_dataset_from_directory` and `predict`",
        "one_process": "this project, one process", "bfloat16": "the same in bfloat16",
        "dask_1": "Dask, one worker", "dask_2": "Dask, two workers", "decoding": "decoding alone",
        "network": "network alone",
    }  # fmt: skip
    lines = ["| galaxies | way | galaxies a second | times the plain way | peak memory, MiB |",
             "|---|---|---|---|---|"]  # fmt: skip
    about = results["about"]
    rates: dict[str, float] = {}
    for n_galaxies, runs in results.items():
        if not n_galaxies.isdecimal():
            continue
        rates = {way: run.get("galaxies", int(n_galaxies)) / run["seconds"][0]
                 for way, run in runs.items()}  # fmt: skip
        lines += [
            f"| {int(n_galaxies):,} | {name} | {rates[way]:.0f} | "
            f"{rates[way] / rates['plain']:.2f} | {runs[way]['peak_memory'] / MIB:,.0f} |"
            for way, name in ways.items()
        ]
        ours = runs["one_process"]
        lines += [
            f"| {int(n_galaxies):,} | of one process: finding galaxies {ours['planning']:.1f} s, "
            f"shards {ours['shards']:.1f} s, summary {ours['summing_up']:.1f} s | | | |"
        ]
    for n_rows, run in results["rows"].items():
        lines.append(
            f"| {int(n_rows):,} rows | without cut-outs: writing {run['writing']:.1f} s, "
            f"duplicates {run['marking']:.1f} s, summary {run['summing_up']:.1f} s | | | "
            f"{run['peak_memory'] / MIB:,.0f} |"
        )
    hours = {n: n / rates["one_process"] / 3600 for n in (10**6, 10**9)}
    return "\n".join([
        *lines, "",
        f"At the last rate of one process, a million galaxies take {hours[10**6]:.1f} hours and a "
        f"billion {hours[10**9]:,.0f} hours of such a machine ({about['processor']}, "
        f"{about['cores']} cores, {about['date']}). The memory of Dask's workers is not counted.",
    ])  # fmt: skip


def page(results: Result) -> str:
    """Markdown of the whole page on performance: the table, and the prose that explains it.

    Args:
        results: Of all work, and of the start.

    Raises:
        ValueError: Some of it was not measured; says which.
    """
    if missing := [name for name in (*TITLES, "galaxy10", "start") if name not in results]:
        raise ValueError(
            f'Not measured: {", ".join(missing)}. Run `make benchmark ARGS="{" ".join(missing)}"`.'
        )
    reading, training, accuracy = (results[name] for name in ("reading", "training", "accuracy"))
    return TEMPLATE.read_text(encoding="utf-8").format(
        table=table(results).rstrip(),
        accuracies=_and(f"{run['accuracy']:.3f}" for run in accuracy["original"]),
        three_block=_passed(accuracy["ours"]),
        compact=_passed(accuracy["compact"]),
        reading=_milliseconds(reading["ours"], 5_900),
        prediction=_milliseconds(results["prediction"]["ours"], 4_000),
        epoch=_milliseconds(training["ours"], training["ours"][0]["galaxies"]),
    )


def write(results: Result, docs: Path) -> None:
    """Write ``performance.md`` and its figure ``benchmark.png``, whole.

    Args:
        results: Of all work, and of the start.
        docs: The folder of the documentation.

    Raises:
        ValueError: Some of it was not measured; nothing is written.
    """
    text = page(results)
    figure(results).savefig(docs / "benchmark.png", dpi=150)
    (docs / "performance.md").write_text(text, encoding="utf-8")


def figure(results: Result) -> Figure:
    """How many times as fast as the original every piece of work is, on a logarithmic axis."""
    names = [name for name in TITLES if name in results][::-1]
    figure = Figure(figsize=(8, 0.55 * len(names) + 1.2), layout="constrained")
    axes = figure.subplots()
    for y, name in enumerate(names):
        ratios = _ratios(results[name])
        middle = median(ratios)
        axes.barh(y, middle, height=0.6, color="#4477aa")
        axes.plot([min(ratios), max(ratios)], [y, y], color="black", linewidth=1.5)
        axes.plot([GOALS[name]] * 2, [y - 0.38, y + 0.38], color="#ee6677", linewidth=2.5)
        axes.text(1.08 * max(*ratios, GOALS[name]), y, f"{middle:.1f}", va="center")
    axes.plot([], [], color="#ee6677", linewidth=2.5, label="goal")
    axes.plot([], [], color="black", linewidth=1.5, label="lowest to highest")
    axes.set_xscale("log")
    highest = max(max(_ratios(results[name])) for name in names)
    axes.set_xlim(1, highest * 1.6)
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100) if tick <= highest * 1.6]
    axes.set_xticks(ticks, labels=[str(tick) for tick in ticks])
    axes.xaxis.minorticks_off()
    axes.set_yticks(range(len(names)), labels=[TITLES[name] for name in names])
    axes.set_xlabel("times as fast as the original notebook's way")
    figure.legend(loc="outside upper right", ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _row(name: str, result: Result) -> str:
    original, ours = result["original"], result["ours"]
    ratios = _ratios(result)
    memories = [median(run["peak_memory"] for run in runs) / MIB for runs in (original, ours)]
    cells = [
        TITLES[name],
        _speed(original),
        _speed(ours),
        f"{median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})",
        f"{GOALS[name]:g}",
        "{:,.0f} → {:,.0f}".format(*memories),
    ]
    return f"| {' | '.join(cells)} |"


def _speed(runs: list[Result]) -> str:
    """Seconds, or images a second where a throughput is meant; with its range."""
    if "galaxies" in runs[0]:
        rates = [run["galaxies"] / run["seconds"][0] for run in runs]
        return f"{median(rates):.0f} images/s ({min(rates):.0f}-{max(rates):.0f})"
    seconds = [run["seconds"][0] for run in runs]
    return f"{_short(median(seconds))} s ({_short(min(seconds))}-{_short(max(seconds))})"


def _short(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds < 10 else f"{seconds:.0f}"


def _ratios(result: Result, ours: str = "ours", call: int = 0) -> list[float]:
    """How many times as fast, of each pair of runs."""
    return [
        old["seconds"][call] / new["seconds"][call]
        for old, new in zip(result["original"], result[ours], strict=True)
        if new.get("reached", True)
    ] or [0.0]


def _notes(result: Result) -> list[str]:
    """What else was asked of a piece of work, and what variants of it do."""
    notes = []
    ours = result["ours"]
    if "operations" in ours[0]:
        rate = median(run["rate"] for run in result["machine"])
        shares = [run["operations"] / run["seconds"][0] / rate for run in ours]
        notes.append(
            f"{median(shares):.0%} of the machine's rate of matrix products "
            f"({rate / 1e9:.0f} GFLOP/s)"
        )
    if "few" in result:
        few, many = (result[which]["peak_memory"] / MIB for which in ("few", "many"))
        notes.append(f"{few:,.0f} MiB for 2,000, {many:,.0f} MiB for 20,000")
    if len(ours[0]["seconds"]) > 1:
        notes.append(f"called again: {median(_ratios(result, call=1)):.1f} times")
    if "bfloat16" in result:
        notes.append(f"in bfloat16: {median(_ratios(result, 'bfloat16')):.1f} times")
    if "r_squared" in ours[0]:
        runs = (result["original"][0], ours[0], result["package"])
        fits = [median(run["r_squared"]) for run in runs]  # fmt: skip
        notes.append(
            "median R² {:.2f} → {:.2f}; of the lime package, given the project's superpixels, sky "
            "and logits, {:.2f}".format(*fits)
        )
    if "compact" in result:
        notes += _notes_on_accuracy(result)
    return notes


def _notes_on_accuracy(result: Result) -> list[str]:
    original, ours, compact = (result[way] for way in ("original", "ours", "compact"))
    missed = sum(not run["reached"] for run in (*ours, *compact))
    first = [_first_epoch(run["accuracies"], run["accuracy"]) for run in original]
    return [
        f"mean {_mean_seconds(original)} → {_mean_seconds(ours)} s",
        f"accuracies {_listed(round(run['accuracy'], 3) for run in original)}, which the original "
        f"first touched after {_listed(first)} epochs, here after "
        f"{_listed(run['epochs'] for run in ours)}",
        f"compact network: {median(_ratios(result, 'compact')):.0f} times as fast, mean "
        f"{_mean_seconds(compact)} s, after {_listed(run['epochs'] for run in compact)} epochs",
        *([f"{missed} of {2 * len(ours)} never reached it and are left out"] if missed else []),
    ]


def _first_epoch(accuracies: list[float], wanted: float) -> int:
    return next(i for i, accuracy in enumerate(accuracies, start=1) if accuracy >= wanted)


def _mean_seconds(runs: list[Result]) -> str:
    seconds = [run["seconds"][0] for run in runs if run.get("reached", True)]
    return _short(mean(seconds)) if seconds else "no"


def _passed(runs: list[Result]) -> str:
    """After how many epochs and seconds an accuracy was passed, where it was."""
    there = [run for run in runs if run["reached"]]
    if not there:
        return "in none of its trainings"
    seconds = [run["seconds"][0] for run in there]
    missed = len(runs) - len(there)
    return (
        f"after {_and(run['epochs'] for run in there)} epochs, in {_short(min(seconds))} to "
        f"{_short(max(seconds))} s" + (f" ({missed} of {len(runs)} never did)" if missed else "")
    )


def _milliseconds(runs: list[Result], n_galaxies: int) -> str:
    """Milliseconds per galaxy."""
    return f"{1000 * median(run['seconds'][0] for run in runs) / n_galaxies:.1f}"


def _and(values: Iterable[Any]) -> str:
    *first, last = map(str, values)
    return f"{', '.join(first)} and {last}" if first else last


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))


def _galaxy10(result: Result) -> str:
    few, many = (
        f"{_short(run['seconds'][0])} s and {run['peak_memory'] / MIB:,.0f} MiB"
        for run in (result["few"], result["many"])
    )
    return (
        "- `kedro run --env galaxy10_decals --pipelines reading`, on its layout and size: "
        f"{many} for 17,736 galaxies of 256 px, {few} for 1,774."
    )


def _start(result: Result) -> list[str]:
    titles = {
        "registry": ("`kedro registry list`", 2),
        "data_processing": ("`kedro run --pipelines data_processing` on 60 cut-outs", 4),
    }
    return [
        "| command | seconds | goal |",
        "|---|---|---|",
        *(
            f"| {title} | {median(result[name]):.1f} ({min(result[name]):.1f}-"
            f"{max(result[name]):.1f}) | under {goal} |"
            for name, (title, goal) in titles.items()
        ),
    ]
