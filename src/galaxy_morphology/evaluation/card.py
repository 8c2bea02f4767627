"""The model card: what a classifier is, how good it is, and what it is not for."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from galaxy_morphology.evaluation.report import MEASURES, format_calibration
from galaxy_morphology.evaluation.votes import OF_VOTES
from galaxy_morphology.words import format_mix, format_score

INTENDED_USE = """\
For sorting cut-outs like those it learned from: of the same survey or made the same way, with the
galaxy in the middle, in {bands}, of the same brightness and size.
What the network is not sure enough of is meant for a human.

- Its labels are judgements of people, and some of them are wrong: it learned these too, and a
  score against them is not one against nature.
- {of_mix}
- What the threshold promises holds for galaxies like the validation galaxies, by which the epoch
  and the temperature were chosen too.
- It has no class for what is no galaxy. It gives stars, artefacts and empty sky a class as well.
- It knows nothing of other surveys, bands, redshifts or resolutions. Score it there before use.
- Explanations show what the network used, not what makes a galaxy what it is."""
OF_MIX = """\
Probabilities and scores hold for the mix of classes that is named with the scores. Where classes
  are mixed otherwise, set `classification.class_prior`, and score again."""
OF_VOTES_MIX = """\
Scores hold for the mix of classes that is named with the scores. Probabilities are fractions of
  votes, as the people who voted would give them to images like these."""
SCORES = {"accuracy": "accuracy", "macro_f1": "macro F1", "roc_auc": "ROC AUC"}


def model_card(
    *,
    galaxies: pd.DataFrame,
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
        archive: ``file``, ``bytes`` and ``sha256`` of the archive, and how many galaxies were
            ``rejected``.
        history: A row per epoch of the training: ``seconds``; none where nothing was trained.
        chosen_epoch: The epoch whose weights were kept, counted from 1.
        metrics: Scores by split, the last being the one to go by.
        error_rates: A row per bin of each quantity, of that split.
        suspect_labels: A row per galaxy, ``suspected`` or not.
        parameters: Everything that was configured.
        software: ``date``, ``commit``, ``python``, ``platform`` and ``packages`` by name.
    """
    import yaml

    simulated = bool(galaxies["simulated"].any())
    configuration = yaml.safe_dump(parameters, sort_keys=False, allow_unicode=True).rstrip()
    split = list(metrics)[-1]
    counts = pd.crosstab(galaxies["split"], galaxies["class_name"])
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", configuration)), default=0))
    by_split = [name for name in ("training", "validation", "test") if name in counts.index]
    n_suspected = int(suspect_labels["suspected"].sum())
    of_mix = OF_VOTES_MIX if "votes" in metrics[split] else OF_MIX
    warning = "\n**These galaxies are SIMULATED. The scores say nothing about real ones.**\n"
    return f"""\
# Model card: a classifier of {_list(metrics[split]["classes"])}
{warning if simulated else ""}
{_training(history, chosen_epoch)} Intervals are at {_percent(metrics[split]["confidence"])}.

## Data

{_plain(archive["file"])}, {archive["bytes"]:,} bytes, SHA-256 `{archive["sha256"]}`. \
{len(galaxies):,} galaxies were used, {archive["rejected"]:,} left out \
(`rejected_galaxies.csv`), {int(galaxies["duplicate_of"].notna().sum()):,} are copies of another. \
{n_suspected:,} labels are suspected to be wrong (`suspect_labels.csv`).

{_table(["split", *counts], ([name, *(f"{n:,}" for n in counts.loc[name])] for name in by_split))}

## Scores

{_table(["score", *metrics], _score_rows(metrics))}

{_mix(metrics[split])}

## Calibration

{_table(["", "before", "after", "difference"], _calibration_rows(metrics[split]["calibration"]))}

Of {split} galaxies{", against their votes" if "votes" in metrics[split] else ""}; \
logits were divided by a temperature of \
{metrics[split]["calibration"]["temperature"]:.2f}, fitted on validation galaxies. \
{_calibration_error(metrics[split])} \
{_selection(metrics[split]["selection"])}

## Known failures

{_failures(error_rates, metrics[split])}

## Intended use and limits

{INTENDED_USE.format(bands=_bands(parameters), of_mix=of_mix)}

## Configuration

{fence}yaml
{configuration}
{fence}

## Software

Written {software["date"]} by commit `{software["commit"]}` on {software["platform"]}, \
Python {software["python"]}.

{_table(["package", "version"], software["packages"].items())}
"""


def _bands(parameters: dict[str, Any]) -> str:
    """What the network sees of a galaxy."""
    channels = parameters.get("cutouts", {}).get("channels")
    if not channels:
        return "the same three bands and colours"
    return _plain(f"the same bands ({', '.join(map(str, channels))})")


def _training(history: pd.DataFrame, chosen_epoch: int) -> str:
    if history.empty:
        return (
            "An ensemble of convolutional networks that classify cut-outs of galaxies: the mean "
            "of their logits. Nothing was trained; how its members were, their own model cards "
            "say. Scores hold only if no member has learned from the galaxies scored."
        )
    return (
        "A convolutional network that classifies cut-outs of galaxies, trained for "
        f"{len(history)} epochs ({history['seconds'].sum() / 60:.1f} min); the weights of epoch "
        f"{chosen_epoch} were kept, chosen by the validation galaxies."
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [map(_plain, head), ["---"] * len(head), *(map(_plain, row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, in one line; line breaks become spaces."""
    return re.sub(r"([\\`*_\[\]<>|$~#&])", r"\\\1", " ".join(str(text).split()))


def _score_rows(metrics: dict[str, Any]) -> list[list[str]]:
    splits = metrics.values()
    names = list(next(iter(splits))["classes"])
    rows = [["galaxies", *(f"{scores['n']:,}" for scores in splits)]]
    rows += [
        [words, *(format_score(scores[name]) for scores in splits)]
        for name, words in SCORES.items()
    ]
    rows += [
        [f"{name}: {score}", *(format_score(scores["classes"][name][score]) for scores in splits)]
        for name in names
        for score in ("precision", "recall")
    ]
    if "votes" in next(iter(splits)):
        rows += _vote_rows([scores["votes"] for scores in splits])
    return rows


def _vote_rows(by_split: list[dict[str, Any]]) -> list[list[str]]:
    return [
        ["galaxies of a clear class", *(f"{votes['n_clear']:,}" for votes in by_split)],
        *(
            [words, *(format_score(votes[name]) for votes in by_split)]
            for name, words in OF_VOTES.items()
        ),
        ["entropy of the votes", *(f"{votes['entropy']:.3f}" for votes in by_split)],
    ]


def _calibration_rows(calibration: dict[str, Any]) -> list[list[str]]:
    stages = ("before", "after", "difference")
    return [
        [
            words,
            *(format_calibration(calibration[stage], measure) for stage in stages),
        ]
        for measure, words in MEASURES.items()
    ]


def _mix(scores: dict[str, Any]) -> str:
    mix = _plain(format_mix(scores["class_shares"]))
    if "votes" in scores:
        return (
            "Labels are fractions of votes, and so are probabilities. A galaxy is of the class "
            "with the most votes, and clear where it has as many as `votes.minimum_fraction` and "
            "`votes.margin` ask. Scores are for the mix of classes that these galaxies have "
            f"({mix}). No cross-entropy with the votes is below their entropy."
        )
    if scores["class_prior"] is None:
        return (
            f"Scores are for the mix of classes that these galaxies have ({mix}), probabilities "
            "for equal shares of the classes."
        )
    return (
        f"Scores and probabilities are for a mix of {mix}, set as `classification.class_prior`: "
        "each galaxy weighs the share of its class in that mix over its share among the galaxies "
        f"scored. Together they tell at least as much as {scores['n_effective']:,.0f} galaxies of "
        "that mix."
    )


def _calibration_error(scores: dict[str, Any]) -> str:
    def place(stage: str) -> str:
        of_stage = scores["calibration"][stage]
        error, perfect = of_stage["calibration_error"], of_stage["calibration_error_if_perfect"]
        if error["value"] > perfect["high"]:
            return "above that range, so that probabilities are off"
        return "not above it, so that nothing shows that probabilities are off"

    return (
        "Perfect probabilities have a calibration error too, as galaxies are counted: in "
        f"{_percent(scores['confidence'])} of cases one within the range beside it. Before, it is "
        f"{place('before')}; after, it is {place('after')}."
    )


def _selection(selection: dict[str, Any]) -> str:
    wanted = (
        f"an accuracy of {_percent(selection['accuracy_wanted'])} with a confidence of "
        f"{_percent(selection['accuracy_confidence'])}"
    )
    if selection["threshold"] is None:
        return f"No probability is enough for {wanted}, as validation galaxies show it."
    return (
        f"At a probability of {selection['threshold']:.3f} or more, "
        f"{format_score(selection['kept'])} of the galaxies are kept, with an accuracy of "
        f"{format_score(selection['accuracy'])}. The threshold was chosen by validation galaxies "
        f"for {wanted}."
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
        f"- {_plain(row['quantity'].replace('_', ' '))} {_plain(row['bin'])}: "
        f"{format_score(row, 'error_rate')}, {row['n']} galaxies"
        for row in worse.to_dict("records")
    ]
    return (
        f"{about}these have one whose interval lies above it (by chance alone it would be about "
        f"{chance:.0f}):\n\n" + "\n".join(lines)
    )


def _percent(share: float) -> str:
    return f"{100 * share:.6g}%"


def _list(words: Iterable[str]) -> str:
    *first, last = map(_plain, words)
    return f"{', '.join(first)} and {last}"
