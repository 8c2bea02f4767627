"""What people read: its code runs, its commands are accepted, and what it points to is there."""

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import chdir, suppress
from doctest import ELLIPSIS
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from kedro.framework.cli.cli import KedroCLI
from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.validation.exceptions import ParameterValidationError
from sybil import Document, Example
from sybil.example import SybilFailure
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from galaxy_morphology.sources import Layout

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md",
                 *(ROOT / "docs").glob("*.md"))
)  # fmt: skip
SUFFIXES = (".csv", ".json", ".keras", ".npy", ".npz", ".parquet", ".png", ".zip")
"""Of files that runs write."""
OF_USERS = {
    "GalaxyZoo1_DR_table2.csv", "training_solutions_rev1.csv", "gz_decals_volunteers_5.csv",
    "<iauname>.png",
    "2class_list.csv", "4class_list.csv", "<CATAID>.fits", "<CATAID>_giH.png", "GALAXIES.tar",
    "catalogue.csv", "gz2_filename_mapping.csv", "gz2_hart16.csv", "images/<asset_id>.jpg",
    "images_gz2.zip", "metadata.csv", "conf/local/globals.yml", "conf/local/parameters.yml",
}  # fmt: skip
"""Files that users have or make."""
REFUSALS = (AssertionError, ValueError, ParameterValidationError, click.ClickException)
ENVIRONMENTS = [path.parent.name for path in (ROOT / "conf").glob("*/globals.yml")]
TOP = {path.name for path in ROOT.iterdir() if path.is_dir()}

bootstrap_project(ROOT)
CLI = KedroCLI(ROOT)


def context_of(env: str | None = None, parameters: Mapping[str, Any] | None = None) -> KedroContext:
    """The context of a run, whose hooks and models have accepted its parameters."""
    assert env is None or (ROOT / "conf" / env).is_dir(), f"there is no environment {env}"
    session: Any = KedroSession.create(ROOT, env=env, runtime_params=dict(parameters or {}))
    context: KedroContext = session.load_context()
    assert context.params
    return context


# ------------------------------------------------------------------ checks


@cache  # the same commands stand in several places; what is refused is not kept
def check_command(line: str) -> None:
    """Refuse a shell command that the project or its Makefile would refuse."""
    program, *words = shlex.split(line, comments=True)
    if program == "make":
        targets = [word for word in words if "=" not in word]
        for target in targets:
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M), target
    elif program == "kedro":
        check_kedro(words)
    elif [program, *words[:2]] == ["python", "-m", "galaxy_morphology"]:
        check_kedro(["run", *words[2:]])
    else:
        of_shells = ("cp", "mkdir", "source", "unzip", "zip")
        assert program in of_shells, f"`{line}` is a command that nobody checks"
        check_archive(words)


def check_archive(words: list[str]) -> None:
    """Refuse to put an archive, or make its folder, where no environment reads one.

    Results may be copied from where they are.
    """
    for word in words:
        if word.startswith("data/") and not word.startswith("data/08_reporting/"):
            place = re.fullmatch(r"data(?:/(\w+))?(?:/01_raw(?:/.*)?)?", word)
            assert place, word
            assert (ROOT / "conf" / (place[1] or "base")).is_dir(), word


def check_kedro(words: list[str]) -> None:
    """Refuse arguments of ``kedro`` that it would refuse, without running it."""
    command: click.Command = CLI
    context = click.Context(CLI)
    run = words[0] == "run"
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert name
        assert found
        command = found
    with chdir(ROOT):
        asked = command.make_context(name, words).params
    if run:
        unknown = set(asked["pipelines"]) - set(pipelines)
        assert not unknown, f"there are no pipelines {unknown}"
        context_of(asked["env"], asked["params"])


def check_yaml(text: str) -> None:
    """Refuse YAML that the project would refuse as parameters, or as what its first line says."""
    values = yaml.safe_load(text)
    if not re.match(r"# conf/\w+/globals\.yml", text):
        context_of(parameters=values)
        return
    known = yaml.safe_load((ROOT / "conf/base/globals.yml").read_text())
    assert set(values) <= set(known), f"no globals are named {set(values) - set(known)}"
    merged = known | values
    Layout.model_validate({name: merged[name] for name in Layout.model_fields if name in merged})


def check_console(example: Example) -> None:
    """Check each command of a console block."""
    for line in str(example.parsed).splitlines():
        assert line.startswith("$ "), f"{line!r} is no command"
        check_command(line.removeprefix("$ "))


PARSERS = (
    PythonCodeBlockParser(doctest_optionflags=ELLIPSIS),
    CodeBlockParser("console", check_console),
    CodeBlockParser("yaml", lambda example: check_yaml(str(example.parsed))),
)
LANGUAGES = {"console", "python", "yaml"}


def evaluate(path: Path) -> int:
    """Run and check the code blocks of a page; how many there are."""
    examples = list(Document.parse(str(path), *PARSERS).examples())
    for example in examples:
        example.evaluate()
    return len(examples)


def prose_of(page: str) -> str:
    """A page without its code blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", (ROOT / page).read_text(), flags=re.M | re.S)


def code_in(page: str) -> list[str]:
    """The pieces of code within the prose of a page, each in one line."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose_of(page))]


def anchors_of(path: Path) -> set[str]:
    """What a page can be linked at, as GitHub names it."""
    prose = prose_of(str(path.relative_to(ROOT)))
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", prose, re.M)
    }


def check_link(page: str, target: str) -> None:
    """Refuse a link to a file or a heading that is not there."""
    name, _, anchor = target.partition("#")
    path = (ROOT / page).parent / name if name else ROOT / page
    assert path.exists(), f"{page}: there is no {target}"
    if anchor:
        assert anchor in anchors_of(path.resolve()), f"{page}: {name} has no heading {anchor}"


def check_path(text: str, written: set[str]) -> None:
    """Refuse the path of something that is neither in the project nor written by a run."""
    pattern = re.sub(r"<\w+>", "*", text).rstrip("/")
    if fnmatch(pattern, "data/*") or re.match(r"0\d_", pattern):
        name = pattern.removeprefix("data/")
        name = re.sub(rf"^({'|'.join(ENVIRONMENTS)})/", "", name)
        there = any(one == name or one.startswith(f"{name}/") for one in written)
        there |= any((ROOT / "conf").glob(f"{name}/globals.yml"))
    elif "/" in pattern and pattern.split("/")[0] in TOP:
        there = any(ROOT.glob(pattern))
    else:
        package = ROOT / "src" / "galaxy_morphology"
        there = any(Path(one).name == pattern for one in written)
        there |= any(ROOT.glob(pattern)) or any(package.glob(f"**/{pattern}"))
    assert there, f"there is no {text}"


def check_parameter(name: str, parameters: Mapping[str, Any]) -> Any:
    """The value of a parameter, refused where there is none of that name."""
    value: Any = parameters
    for step in name.split("."):
        assert step in value, f"there is no parameter {name}"
        value = value[step]
    return value


def is_path(code: str) -> bool:
    """Whether a piece of code in the prose is meant as the path of a file or folder."""
    if code in OF_USERS or code.startswith(("GALAXIES/", "/")):
        return False
    return code.endswith(("/", ".py", ".yml", ".md", ".lock", *SUFFIXES)) or (
        re.fullmatch(r"[\w.*<>-]+(/[\w.*<>-]+)+", code) is not None
    )


# ------------------------------------------------------------------ fixtures


@pytest.fixture(scope="module")
def parameters() -> dict[str, Any]:
    """The parameters as they are shipped."""
    merged: dict[str, Any] = {}
    for path in sorted((ROOT / "conf/base").glob("parameters*.yml")):
        merged |= yaml.safe_load(path.read_text())
    return merged


@pytest.fixture(scope="module")
def written() -> set[str]:
    """The files in the data folder that the catalog names, and its folders of files."""
    catalog: Any = context_of().catalog
    names = {name for pipeline in pipelines.values() for name in pipeline.datasets()} | {"lineage"}
    paths = set()
    for name in names:
        dataset = catalog.get(name)
        for place in ("_filepath", "_folder", "_bands"):
            with suppress(ValueError):
                path = ROOT / (getattr(dataset, place, None) or "")
                paths.add(path.relative_to(ROOT / "data").as_posix())
    assert "08_reporting/roc.png" in paths
    paths |= {f"06_models/export/{name}" for name in ("classifier.onnx", "model.json")}
    return paths


@pytest.fixture
def finished_run(
    exported_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Be where a run has ended, and forget what is registered there."""
    from galaxy_morphology.attribution import METHODS
    from galaxy_morphology.networks import NETWORKS

    (tmp_path / "data").symlink_to(exported_run)
    monkeypatch.chdir(tmp_path)
    before = [(registry, dict(registry)) for registry in (METHODS, NETWORKS)]
    yield
    for registry, entries in before:
        registry.clear()
        registry.update(entries)


# ------------------------------------------------------------------ the pages


@pytest.mark.parametrize("page", PAGES)
def test_its_code_blocks_are_right(page: str, finished_run: None) -> None:
    evaluate(ROOT / page)


@pytest.mark.parametrize("page", PAGES)
def test_it_has_no_code_that_nobody_checks(page: str) -> None:
    fences = re.findall(r"^ *```(.*)$", (ROOT / page).read_text(), re.M)
    assert set(fences[::2]) <= LANGUAGES
    assert set(fences[1::2]) <= {""}


@pytest.mark.parametrize("page", PAGES)
def test_its_commands_in_the_prose_are_accepted(page: str) -> None:
    for code in code_in(page):
        if code.startswith(("kedro ", "make ", "source ")):
            check_command(code)


@pytest.mark.parametrize("page", PAGES)
def test_its_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if not target.startswith("https://"):
            check_link(page, target)


@pytest.mark.parametrize("page", PAGES)
def test_its_files_are_there_or_are_written(page: str, written: set[str]) -> None:
    for code in filter(is_path, code_in(page)):
        check_path(code, written)


@pytest.mark.parametrize("page", PAGES)
def test_its_parameters_are_known(page: str, parameters: dict[str, Any]) -> None:
    for code in code_in(page):
        name = code.partition("=")[0]
        is_dotted = re.fullmatch(r"[a-z]\w*(\.\w+)+", name) and not name.endswith(
            (".py", *SUFFIXES)
        )
        if is_dotted and name.split(".")[0] in parameters:
            check_parameter(name, parameters)


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_it_begins_with_what_one_learns_there(page: str) -> None:
    title, _, beginning = (ROOT / page).read_text().partition("\n\n")
    assert title.startswith("# ")
    assert beginning.startswith("Here you learn ")
    assert f"({page})" in (ROOT / "README.md").read_text()


def test_the_defaults_that_are_listed_are_those_of_conf(parameters: dict[str, Any]) -> None:
    table = (ROOT / "docs/configuration.md").read_text().partition("| parameter | default |")[2]
    rows = [line.split(" | ") for line in table.split("\n\n")[0].splitlines()[2:]]
    assert len(rows) > 10
    for names, defaults, *_ in rows:
        listed = [re.findall(r"`([^`]+)`", cell) for cell in (names, defaults)]
        for name, default in zip(*listed, strict=True):
            assert check_parameter(name, parameters) == yaml.safe_load(default), name


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= 8192


def test_scores_in_the_readme_are_those_of_the_results() -> None:
    results = (ROOT / "docs/results.md").read_text().splitlines()
    scores = [line for line in (ROOT / "README.md").read_text().splitlines() if " ± " in line]
    rows = [line for line in scores if line.startswith("|")]
    assert len(rows) >= 3
    assert set(rows) <= set(results)


def test_every_pipeline_is_listed_with_every_file_that_it_writes(written: set[str]) -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    table = page[page.index("| pipeline | box |") :].split("\n\n")[0]
    cells = [cell for row in table.splitlines() for cell in row.split("|")[1:3]]
    names = {name for name in pipelines if name != "__default__"}
    assert names == {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    for path in written:
        assert Path(path).name in page or f"{Path(path).parent.as_posix()}/`" in page, path


def test_the_citation_is_that_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    # By hand from the schema of CFF 1.2.0: what is required, and what we use of what is allowed.
    required = {"cff-version", "message", "title", "authors"}
    allowed = {"type", "abstract", "version", "license", "keywords", "date-released", "url"}
    assert required <= set(citation) <= required | allowed
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert [set(author) for author in citation["authors"]] == [{"name"}]  # an entity
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    assert f"## [{project['version']}]" in (changes := (ROOT / "CHANGELOG.md").read_text()) or (
        f"{project['version']} has not been released" in changes
    )


# ------------------------------------------------------------------ the checks themselves


@pytest.mark.parametrize(
    "line",
    [
        "kedro run --params training.epoch=3",
        "kedro run --params training.epochs=many",
        "kedro run --params trainig.epochs=3",
        "kedro run --params network.name=resnet",
        "kedro run --params network.options.compact.filter=[3]",
        "kedro run --pipelines explanability",
        "kedro run --env four_clases",
        "kedro run --only-missing",
        "kedro rum",
        "kedro viz runs",
        "make tests",
        "make run clea",
        "mkdir -p data/galaxy_zoo/01_raw",
        "zip -r data/demo/raw/GALAXIES.zip images",
        "pip install galaxy-morphology",
    ],
)
def test_misspelt_commands_are_refused(line: str) -> None:
    with pytest.raises(REFUSALS):
        check_command(line)


def test_commands_that_are_right_are_accepted() -> None:
    for line in (
        "make lint test",
        'make benchmark ARGS="reading lime"',
        "kedro run --env demo --pipelines demo,truth --params training.epochs=3  # a remark",
        "kedro viz run",
    ):
        check_command(line)


@pytest.mark.parametrize(
    ("language", "right", "wrong"),
    [
        ("python", "assert 1 + 1 == 2", "assert 1 + 1 == 3"),
        ("python", ">>> 1 + 1\n2", ">>> 1 + 1\n3"),
        ("console", "$ make run  # all of it", "$ make rum"),
        ("console", "$ kedro run", "kedro run"),
        ("yaml", "training: {epochs: 3}", "training: {epoch: 3}"),
        ("yaml", "# conf/local/globals.yml\narchive: a.tar", "# conf/local/globals.yml\narkive: a"),
        (
            "yaml",
            "# conf/x/globals.yml\ncolumns: {identifier: a, label: b}",
            "# conf/x/globals.yml\ncolumns: {identifier: a}",
        ),
    ],
)
def test_wrong_code_blocks_are_refused(
    tmp_path: Path, language: str, right: str, wrong: str
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n```{language}\n{right}\n```\n")
    assert evaluate(page) == 1
    page.write_text(f"# Page\n\n```{language}\n{wrong}\n```\n")
    with pytest.raises((*REFUSALS, SybilFailure)):
        evaluate(page)


@pytest.mark.parametrize("target", ["docs/nowhere.md", "docs/data.md#nowhere", "#nowhere"])
def test_broken_links_are_refused(target: str) -> None:
    check_link("README.md", "docs/data.md#the-archive")
    with pytest.raises(AssertionError):
        check_link("README.md", target)


@pytest.mark.parametrize(
    "path",
    ["conf/bse", "src/galaxy_morphology/nowhere/", "data/08_reporting/scores.json", "rock.png",
     "skies.py", "conf/base/params*.yml"],
)  # fmt: skip
def test_paths_of_nothing_are_refused(path: str, written: set[str]) -> None:
    for there in ("conf/base", "sky.py", "data/08_reporting/metrics.json", "roc.png", "datasets/",
                  "pipelines/<name>/", "data/demo", "conf/base/parameters*.yml"):  # fmt: skip
        check_path(there, written)
    with pytest.raises(AssertionError, match="there is no"):
        check_path(path, written)


def test_parameters_of_no_name_are_refused(parameters: dict[str, Any]) -> None:
    assert check_parameter("training.epochs", parameters) == 40
    with pytest.raises(AssertionError, match=r"no parameter training\.epoch"):
        check_parameter("training.epoch", parameters)
