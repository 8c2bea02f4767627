"""The notebooks run on a finished run, show what they promise, and are committed bare."""

import json
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECONDS_PER_CELL = 300
REASON = "damaged or no image: longer than the fifty characters that pandas shows unasked"


@pytest.fixture(scope="module")
def project_copy(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the small run's data, in which a galaxy was rejected."""
    root = tmp_path_factory.mktemp("project")
    for folder in ("conf/base", "notebooks"):
        shutil.copytree(ROOT / folder, root / folder)
    for file in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / file, root)
    # Kedro wants both folders. The code is the installed package's, and a developer's own
    # settings in conf/local must not change the test.
    for folder in ("src", "conf/local"):
        (root / folder).mkdir()
    shutil.copytree(small_run, root / "data")
    pd.DataFrame({"cataid": [7], "reason": [REASON]}).to_csv(
        root / "data/08_reporting/rejected_galaxies.csv", index=False
    )
    return root


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def execute(project_copy: Path, name: str) -> list[dict[str, Any]]:
    """Run a notebook from top to bottom, which raises where a cell does; its outputs."""
    folder = project_copy / "notebooks"
    notebook = read(folder / name)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        # Kedro has tracebacks drawn as output, and leaves the exception without one.
        shown = [output.get("data", {}).get("text/plain", "") for output in outputs_of(notebook)]
        pytest.fail(re.sub(r"\x1b\[[\d;]*m", "", f"{error}\n{shown[-1]}"))
    return outputs_of(notebook)


def outputs_of(notebook: Any) -> list[dict[str, Any]]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def text_of(outputs: list[dict[str, Any]]) -> str:
    """What the notebook says in print and in tables."""
    printed = [
        output["text"]
        for output in outputs
        if output["output_type"] == "stream" and output["name"] == "stdout"
    ]
    tables = [output["data"].get("text/html", "") for output in outputs if "data" in output]
    return unescape("\n".join(printed + tables))


def n_pictures(outputs: list[dict[str, Any]]) -> int:
    return sum("image/png" in output.get("data", {}) for output in outputs)


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS] == [
        "01_look_at_the_data.ipynb",
        "02_explain_a_galaxy.ipynb",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_committed_without_results(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code[0].source.startswith("%load_ext kedro.ipython")
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert [cell.execution_count for cell in code] == [None] * len(code)


def test_data_notebook_counts_and_shows_the_galaxies(project_copy: Path, small_run: Path) -> None:
    galaxies = pd.read_parquet(small_run / "05_model_input/galaxies.parquet")
    outputs = execute(project_copy, "01_look_at_the_data.ipynb")
    text = text_of(outputs)
    assert f"{len(galaxies):,} galaxies" in text
    for _, group in galaxies.groupby(["split", "class_name"]):
        assert f"<td>{len(group)}</td>" in text
    assert text.count(REASON) == 2  # counted, and listed with its galaxy
    assert n_pictures(outputs) == 2


def test_explaining_notebook_scores_and_explains_a_galaxy(
    project_copy: Path, small_run: Path
) -> None:
    metrics = json.loads((small_run / "08_reporting/metrics.json").read_text(encoding="utf-8"))
    predictions = pd.read_parquet(small_run / "07_model_output/predictions.parquet")
    outputs = execute(project_copy, "02_explain_a_galaxy.ipynb")
    text = text_of(outputs)
    for split, scores in metrics.items():
        assert f"{split.capitalize()}: {scores['n']:,} galaxies" in text
        assert f"{scores['accuracy']['value']:.3f} ({scores['accuracy']['low']:.3f}-" in text
    assert "How far to trust it" in text  # the summary of the report
    split = "test" if "test" in metrics else "validation"
    galaxy = predictions[predictions["split"] == split].iloc[0]
    assert str(galaxy["cataid"]) in text
    for name in metrics[split]["classes"]:
        assert f"{galaxy[f'probability_{name}']:.1%}" in text
    # The training curves, the mistakes, the cut-out and its explanation.
    assert n_pictures(outputs) == 4
