"""Imports go one way, and pipelines meet in the catalog alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "galaxy_morphology"

TOOLS = {"bands", "boxes", "compiled", "identifiers", "libraries", "locks", "logs", "progress",
         "sky", "spool", "typing", "views", "words", "__version__"}  # fmt: skip
"""What everybody may use."""
ROOMS = {"attribution", "evaluation", "export", "figures", "imaging", "morphology", "networks",
         "report", "simulation", "sources", "tuning"}  # fmt: skip
"""Each stands alone."""
LAYERS = [TOOLS | ROOMS, {"datasets", "options"}, {"steps"}, {"survey"}, {"pipelines"},
          {"hooks", "pipeline_registry"}, {"settings"}, {"cli"}, {"__main__"}]  # fmt: skip
"""What stands above may be used by what stands below."""


def imports() -> Iterator[tuple[str, str]]:
    """Module and what it imports of the project, each without the name of the package."""
    for path in PACKAGE.rglob("*.py"):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            for name in names:
                if name.startswith("galaxy_morphology."):
                    yield module, name.removeprefix("galaxy_morphology.")


def is_allowed(module: str, imported: str) -> bool:
    """Whether a module may import another."""
    (ours, *of_ours), (theirs, *of_theirs) = module.split("."), imported.split(".")
    if theirs in TOOLS:
        return True
    if ours == theirs:
        return ours != "pipelines" or of_ours[:1] == of_theirs[:1]
    layer = {name: number for number, names in enumerate(LAYERS) for name in names}
    return layer[theirs] < layer[ours]


def test_every_import_goes_the_one_way() -> None:
    found = set(imports())
    assert len(found) > 200
    assert {edge for edge in found if not is_allowed(*edge)} == set()


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("pipelines.comparison.nodes", "pipelines.modelling.nodes"),
        ("evaluation.scores", "networks.prediction"),
        ("options.networks", "pipelines.options"),
        ("imaging.reading", "options.Classes"),
    ],
)
def test_an_import_the_other_way_is_seen(module: str, imported: str) -> None:
    assert not is_allowed(module, imported)
