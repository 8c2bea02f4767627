"""A whole run on galaxies whose identifiers are texts, some of which look like something else."""

from pathlib import Path

import formats
import numpy as np
import pandas as pd
import pytest
from conftest import run_project
from formats import write_folder

NAMES = ["007", "1e5", "NA", "nan", "$x_1$", "M 31", "<b>&", "|a|b", "é", "=1+1", "7"]
TABLES = [
    "04_feature/features", "05_model_input/galaxies", "07_model_output/attribution_reliability",
    "07_model_output/explained_galaxies", "07_model_output/logits", "07_model_output/predictions",
]  # fmt: skip
LISTS = ["explanation_agreement", "explanation_quality", "explanation_sanity", "suspect_labels"]


@pytest.mark.slow
def test_identifiers_that_are_texts_go_through_a_whole_run(tmp_path: Path) -> None:
    galaxies = formats.draw(80, side=48)
    names = NAMES + [f"J{row:06d}.28-005109.6" for row in range(80 - len(NAMES))]
    files = [f"images/{row}.png" for row in range(80)]
    write_folder(tmp_path / "01_raw", dict(zip(files, galaxies.encoded.values(), strict=True)))
    table = pd.DataFrame({"id_str": names, "file_loc": files, "label": galaxies.targets})
    table.to_csv(tmp_path / "01_raw" / "catalogue.csv", index=False)
    changes = {"explained_galaxies.cataids": ["007", "NA", "$x_1$"]}
    run_project(tmp_path, env="zoobot", changes=changes)
    for name in TABLES:
        found = pd.read_parquet(tmp_path / f"{name}.parquet")["cataid"]
        assert set(found) <= set(names)
        assert len(found) != 80 or found.tolist() == names
    for name in LISTS:
        read = pd.read_csv(
            tmp_path / "08_reporting" / f"{name}.csv", dtype=str, keep_default_na=False
        )
        assert set(read["cataid"]) <= set(names)
    attributions = np.load(tmp_path / "07_model_output" / "attributions.npz", allow_pickle=False)
    assert attributions["cataid"][:3].tolist() == changes["explained_galaxies.cataids"]
    run_project(
        tmp_path, "attribution", env="zoobot", changes={"explained_galaxies.cataids": ["7", "007"]}
    )
    explained = pd.read_parquet(tmp_path / "07_model_output" / "explained_galaxies.parquet")
    assert explained["cataid"].head(2).tolist() == ["7", "007"]
