"""One pass over a catalogue keeps what the whole catalogue, sorted at once, would give."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxy_morphology.survey.overview import (
    KINDS,
    MARKS,
    N_BINS,
    columns_read,
    has_mark,
    histogram_of,
    look_over,
)

NAMES = ["Elliptical", "Spiral", "Other"]


def catalogue(n: int, seed: int = 0, *, text: bool = False) -> pd.DataFrame:
    """Rows with many ties, and some that were rejected or are duplicates."""
    rng = np.random.default_rng(seed)
    probability = rng.dirichlet(np.ones(3), n).round(1)
    probability /= probability.sum(axis=1, keepdims=True)
    cataids = rng.permutation(10 * n)[:n]
    table = pd.DataFrame(
        {
            "cataid": [f"J{each}" for each in cataids] if text else cataids,
            "ra": rng.uniform(0, 360, n),
            "dec": np.nan,
            "keep": rng.random(n) < 0.5,
            "distance": rng.integers(0, 4, n).astype(np.float32),
            "unlike_training": rng.random(n) < 0.1,
            "channel_without_signal": rng.random(n) < 0.1,
            "simulated": False,
            "duplicate_of": pd.array([1 if one < 0.2 else None for one in rng.random(n)], "Int64"),
            "rejected": pd.array([None] * n, "object"),
            "width": 128,
            "height": 128,
            "file": "a.png",
        }
    )
    for name, values in zip(NAMES, probability.T, strict=True):
        table[f"probability_{name}"] = values
    table["predicted_class"] = np.array(NAMES, object)[probability.argmax(axis=1)]
    rejected = rng.random(n) < 0.1
    of_network = [name for name in table.columns if name.startswith(("probability", "predicted"))]
    table.loc[rejected, [*of_network, "distance"]] = None
    table.loc[rejected, ["keep", "unlike_training", "channel_without_signal"]] = False
    table.loc[rejected, "rejected"] = "damaged"
    return table[columns_read(NAMES)]


def parts(table: pd.DataFrame, seed: int) -> list[pd.DataFrame]:
    rng = np.random.default_rng(seed)
    shuffled = table.iloc[rng.permutation(len(table))]
    cuts = np.sort(rng.integers(0, len(table) + 1, rng.integers(0, 6)))
    return [shuffled.iloc[rows] for rows in np.split(np.arange(len(table)), cuts)]


@settings(max_examples=8)
@given(st.integers(1, 120), st.integers(0, 1000), st.booleans())
def test_the_same_galaxies_are_kept_in_whatever_order_they_come(
    n: int, seed: int, text: bool
) -> None:
    table = catalogue(n, seed, text=text)
    found = look_over(parts(table, seed), NAMES, n_notable=3, n_marked=4, n_sample=20)
    classified = table[table["predicted_class"].notna()].copy()
    probability = classified[[f"probability_{name}" for name in NAMES]].to_numpy(float)
    classified["certainty"] = probability.max(axis=1, initial=0)
    once = classified[classified["duplicate_of"].isna()]
    for kind, (by, lowest) in KINDS.items():
        for name in NAMES:
            expected = (
                once[once["predicted_class"] == name]
                .sort_values([by, "cataid"], ascending=[lowest, True])["cataid"]
                .head(3)
            )
            of_kind = found.notable["kind"] == kind
            rows = found.notable[of_kind & (found.notable["predicted_class"] == name)]
            assert rows["cataid"].tolist() == expected.tolist()
    again = look_over([table], NAMES, n_notable=3, n_marked=4, n_sample=20)
    assert found.sample["cataid"].tolist() == again.sample["cataid"].tolist()
    assert found.marked["cataid"].tolist() == again.marked["cataid"].tolist()
    for mark in MARKS:
        every = table if mark == "rejected" else classified
        of_mark = found.marked[found.marked["kind"] == mark]["cataid"]
        assert len(of_mark) == min(4, has_mark(every, mark).sum())
        assert set(of_mark) <= set(every["cataid"][has_mark(every, mark)])
    assert len(found.sample) == min(20, len(classified))
    counts = found.counts
    assert counts["galaxies"] == n
    assert counts["classified"] == len(classified)
    assert counts["rejected"] == table["rejected"].notna().sum()
    assert counts["duplicates"] == classified["duplicate_of"].notna().sum()
    assert counts["unlike_training"] == table["unlike_training"].sum()
    for name in NAMES:
        of_class = table["predicted_class"] == name
        assert counts["classes"][name] == {
            "predicted": of_class.sum(),
            "kept": (of_class & table["keep"].astype(bool)).sum(),
        }
        assert sum(counts["probabilities"][name]) == len(classified)


def test_random_galaxies_are_those_of_all() -> None:
    table = catalogue(20_000)
    sample = look_over(parts(table, 0), NAMES, n_notable=1, n_marked=1, n_sample=4000).sample
    classified = table[table["predicted_class"].notna()]
    for column in ("cataid", "ra", "probability_Spiral"):
        values = sample[column].to_numpy(float)
        every = classified[column].to_numpy(float)
        assert abs(values.mean() - every.mean()) < 4 * every.std() / len(values) ** 0.5


def test_a_histogram_counts_every_probability_once() -> None:
    probability = np.array([[0.0, 1.0], [0.999, 0.001], [0.5, 0.5]])
    counts = histogram_of(probability)
    for of_class, values in zip(counts, probability.T, strict=True):
        expected, _ = np.histogram(values, bins=N_BINS, range=(0, 1))
        assert of_class.tolist() == expected.tolist()


@pytest.mark.parametrize("n_classified", [0, 1])
def test_a_catalogue_may_have_no_classified_galaxy(n_classified: int) -> None:
    table = catalogue(50)
    rejected = table[table["rejected"].notna()]
    some: Any = table[table["rejected"].isna()].head(n_classified)
    found = look_over([rejected, some], NAMES, n_notable=2, n_marked=1, n_sample=5)
    assert found.counts["classified"] == len(found.sample) == n_classified
    assert found.counts["rejected"] == len(rejected)
    assert set(columns_read(NAMES)) < set(found.sample)


LOOK_OVER = """
import resource, sys
from pathlib import Path
from galaxy_morphology import figures, survey

names = ["Elliptical", "Spiral", "Other"]
tables = survey.read_shards(Path(sys.argv[1]), survey.columns_read(names))
found = survey.look_over(tables, names, n_notable=8, n_marked=6000, n_sample=10_000)
histograms = found.counts["probabilities"]
figures.probability_distributions(histograms, histograms, split="test", simulated=False).savefig(
    Path(sys.argv[1]) / "probabilities.png"
)
print(found.counts["galaxies"], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_a_million_galaxies_take_no_more_memory_than_a_tenth_of_them(tmp_path: Path) -> None:
    peaks = []
    for n_shards in (100, 1000):
        folder = tmp_path / str(n_shards)
        folder.mkdir()
        table = catalogue(1000)
        shard = pa.Table.from_pandas(table, preserve_index=False)
        for number in range(n_shards):
            cataids = pa.array(np.arange(1000) + 1000 * number)
            pq.write_table(shard.set_column(0, "cataid", cataids), folder / f"{number}.parquet")
        result = subprocess.run(
            [sys.executable, "-c", LOOK_OVER, str(folder)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        n_galaxies, peak = map(int, result.stdout.split())
        assert n_galaxies == 1000 * n_shards
        peaks.append(peak)
    assert peaks[1] < 1.1 * peaks[0]
