"""What a catalogue holds, in a few numbers."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from galaxy_morphology.survey.catalogue import read_shards

N_REASONS = 20


def summarise(
    folder: Path, manifest: pd.DataFrame, nameless: Mapping[str, tuple[int, str]]
) -> dict[str, Any]:
    """Count the galaxies of a catalogue, in memory that does not grow with it.

    Args:
        folder: Of the catalogue.
        manifest: A row per shard.
        nameless: By archive, how many images have no identifier, and an example.

    Returns:
        ``archives``, ``shards``, ``galaxies`` (``read``, ``classified``, ``rejected``,
        ``without_identifier``), ``predicted`` by class, how many have each of the ``flags``,
        ``rejected`` by the beginning of the reason, and how long it took.

    Raises:
        RuntimeError: The catalogue does not have the galaxies that the manifest counts.
    """
    counts: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    columns = ["predicted_class", "keep", "unlike_training", "channel_without_signal",
               "duplicate_of", "rejected"]  # fmt: skip
    for some in read_shards(folder, columns):
        counts["read"] += len(some)
        counts["rejected"] += int(some["rejected"].notna().sum())
        counts["duplicates"] += int(some["duplicate_of"].notna().sum())
        for flag in ("keep", "unlike_training", "channel_without_signal"):
            counts[flag] += int(some[flag].sum())
        predicted.update(some["predicted_class"].dropna())
        reasons.update(text.partition(":")[0] for text in some["rejected"].dropna())
    for name in ("read", "rejected"):
        if counts[name] != manifest[name].sum():
            raise RuntimeError(
                f"{folder} has {counts[name]:,} galaxies that were {name}, but the manifest counts "
                f"{manifest[name].sum():,}: somebody else has written there. Run again."
            )
    seconds = float(manifest["seconds"].sum())
    timed = manifest.loc[manifest["seconds"].notna(), "read"].sum()
    return {
        "simulated": bool(manifest["simulated"].any()),
        "archives": int(manifest["archive"].nunique()),
        "shards": len(manifest),
        "galaxies": {
            "read": counts["read"],
            "classified": counts["read"] - counts["rejected"],
            "rejected": counts["rejected"],
            "without_identifier": sum(n for n, _ in nameless.values()),
        },
        "predicted": dict(sorted(predicted.items())),
        "kept": counts["keep"],
        "flags": {
            name: counts[name]
            for name in ("unlike_training", "channel_without_signal", "duplicates")
        },
        "rejected": dict(reasons.most_common(N_REASONS)),
        "without_identifier": {archive: example for archive, (_, example) in
                               list(nameless.items())[:N_REASONS]},
        "seconds": seconds,
        "galaxies_per_second": float(timed / seconds) if seconds else None,
        "classifier": str(manifest["classifier"].iloc[0]),
        "parameters": str(manifest["parameters"].iloc[0]),
    }  # fmt: skip
