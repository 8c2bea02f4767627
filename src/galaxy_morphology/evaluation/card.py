"""The model card: what a classifier is, how good it is, and what it is not for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

INTENDED_USE = """\
For sorting cut-outs like those it learned from: of the same survey or made the same way, with the
galaxy in the middle, in the same three bands and colours, of the same brightness and size.
What the network is not sure enough of is meant for a human.

- Its labels are judgements of people, and some of them are wrong: it learned these too, and a
  score against them is not one against nature.
- Probabilities hold for the mix of classes that it was calibrated on. Where classes are mixed
  otherwise, set `classification.class_prior`.
- It has no class for what is no galaxy. It gives stars, artefacts and empty sky a class as well.
- It knows nothing of other surveys, bands, redshifts or resolutions. Score it there before use.
- Explanations show what the network used, not what makes a galaxy what it is."""
SCORES = {"accuracy": "accuracy", "macro_f1": "macro F1", "roc_auc": "ROC AUC"}


def model_card(
    *,
    galaxies: pd.DataFrame,
    rejected_galaxies: pd.DataFrame,
    archive: dict[str, Any],
    history: pd.DataFrame,
    chosen_epoch: int,
    metrics: dict[str, Any],
    error_rates: pd.DataFrame,
    suspect_labels: pd.DataFrame,
    parameters: dict[str, Any],
    software: dict[str, Any],
) -> str:
    """Write the model card (Mitchell et al. 2019, arXiv:1810.03993) in Markdown.

    Args:
        galaxies: A row per galaxy: ``class_name``, ``split``, ``duplicate_of`` and ``simulated``.
        rejected_galaxies: A row per galaxy that was left out, with its ``reason``.
        archive: ``file``, ``bytes`` and ``sha256`` of the archive.
        history: A row per epoch of the training: ``seconds``.
        chosen_epoch: The epoch whose weights were kept, counted from 1.
        metrics: Scores by split, the last being the one to go by.
        error_rates: A row per bin of each quantity, of that split.
        suspect_labels: A row per galaxy, ``suspected`` or not.
        parameters: Everything that was configured.
        software: ``date``, ``commit``, ``python``, ``platform`` and ``packages`` by name.
    """
    import yaml

    simulated = bool(galaxies["simulated"].any())
    split = list(metrics)[-1]
    counts = pd.crosstab(galaxies["split"], galaxies["class_name"])
    by_split = [name for name in ("training", "validation", "test") if name in counts.index]
    n_suspected = int(suspect_labels["suspected"].sum())
    warning = "\n**These galaxies are SIMULATED. The scores say nothing about real ones.**\n"
    return f"""\
# Model card: a classifier of {_list(metrics[split]["classes"])}
{warning if simulated else ""}
A convolutional network that classifies cut-outs of galaxies, trained for {len(history)} epochs \
({history["seconds"].sum() / 60:.1f} min); the weights of epoch {chosen_epoch} were kept, chosen \
by the validation galaxies. Intervals are at {_percent(metrics[split]["confidence"])}.

## Data

{archive["file"]}, {archive["bytes"]:,} bytes, SHA-256 `{archive["sha256"]}`. \
{len(galaxies):,} galaxies were used, {len(rejected_galaxies):,} left out \
(`rejected_galaxies.csv`), {int(galaxies["duplicate_of"].notna().sum()):,} are copies of another. \
{n_suspected:,} labels are suspected to be wrong (`suspect_labels.csv`).

{_table(["split", *counts], ([name, *(f"{n:,}" for n in counts.loc[name])] for name in by_split))}

## Scores

{_table(["score", *metrics], _score_rows(metrics))}

## Calibration

{_table(["", "before", "after", "difference"], _calibration_rows(metrics[split]["calibration"]))}

Of {split} galaxies; logits were divided by a temperature of \
{metrics[split]["calibration"]["temperature"]:.2f}, fitted on validation galaxies. \
{_selection(metrics[split]["selection"])}

## Known failures

{_failures(error_rates, metrics[split])}

## Intended use and limits

{INTENDED_USE}

## Configuration

```yaml
{yaml.safe_dump(parameters, sort_keys=False, allow_unicode=True).rstrip()}
```

## Software

Written {software["date"]} by commit `{software["commit"]}` on {software["platform"]}, \
Python {software["python"]}.

{_table(["package", "version"], software["packages"].items())}
"""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _score_rows(metrics: dict[str, Any]) -> list[list[str]]:
    splits = metrics.values()
    names = list(next(iter(splits))["classes"])
    rows = [["galaxies", *(f"{scores['n']:,}" for scores in splits)]]
    rows += [
        [words, *(_value(scores[name]) for scores in splits)] for name, words in SCORES.items()
    ]
    rows += [
        [f"{name}: {score}", *(_value(scores["classes"][name][score]) for scores in splits)]
        for name in names
        for score in ("precision", "recall")
    ]
    return rows


def _calibration_rows(calibration: dict[str, Any]) -> list[list[str]]:
    stages = ("before", "after", "difference")
    return [
        [measure.replace("_", " "), *(_value(calibration[stage][measure]) for stage in stages)]
        for measure in calibration["before"]
    ]


def _selection(selection: dict[str, Any]) -> str:
    if selection["threshold"] is None:
        wanted = _percent(selection["accuracy_wanted"])
        return f"No probability is enough for an accuracy of {wanted}."
    return (
        f"At a probability of {selection['threshold']:.3f} or more, {_value(selection['kept'])} of "
        f"the galaxies are kept, with an accuracy of {_value(selection['accuracy'])}."
    )


def _failures(error_rates: pd.DataFrame, scores: dict[str, Any]) -> str:
    of_all = 1 - scores["accuracy"]["value"]
    worse = error_rates[error_rates["low"] > of_all].sort_values("error_rate", ascending=False)
    chance = (1 - scores["confidence"]) / 2 * len(error_rates)
    about = (
        f"The error rate of all galaxies is {of_all:.3f}. Of {len(error_rates)} groups of galaxies "
        "that look alike (`error_rates.csv`), "
    )
    if worse.empty:
        return f"{about}none has an error rate whose interval lies above it."
    lines = [
        f"- {row['quantity'].replace('_', ' ')} {row['bin']}: {_value(row, 'error_rate')}, "
        f"{row['n']} galaxies"
        for row in worse.to_dict("records")
    ]
    return (
        f"{about}these have one whose interval lies above it (by chance alone it would be about "
        f"{chance:.0f}):\n\n" + "\n".join(lines)
    )


def _percent(share: float) -> str:
    return f"{100 * share:.6g}%"


def _list(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}"


def _value(score: Mapping[Any, Any], name: str = "value") -> str:
    if score[name] is None:
        return "undefined"
    return f"{score[name]:.3f} ({score['low']:.3f}-{score['high']:.3f})"
