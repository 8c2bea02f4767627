"""A run ends with the addresses of the pages that it wrote."""

from pathlib import Path

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Node, Pipeline

from galaxy_morphology.datasets.page import PageDataset
from galaxy_morphology.datasets.whole import TextDataset
from galaxy_morphology.hooks import ScoresHook


def test_a_run_ends_with_the_addresses_of_its_pages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, card = tmp_path / "a page.html", tmp_path / "card.md"
    catalog = DataCatalog(
        {
            "comparison_report": PageDataset(filepath=str(page)),
            "report": PageDataset(filepath=str(tmp_path / "of_another_run.html")),
            "model_card": TextDataset(filepath=str(card)),
        }
    )
    nodes = [Node(lambda scores: scores, "scores", name, name=name)
             for name in ("comparison_report", "model_card", "memory")]  # fmt: skip
    ScoresHook().after_pipeline_run(Pipeline(nodes), catalog)
    assert capsys.readouterr().out.split("\n") == [f"Open {page.as_uri()}", "", ""]
