"""The export as a run does it: what it writes, who can read that, and what it refuses."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PROJECT, run_project
from pydantic import ValidationError

from galaxy_morphology.options import Classes, ClassificationOptions, PredictionOptions
from galaxy_morphology.pipelines.export import nodes
from galaxy_morphology.pipelines.export.options import ExportOptions

SHIPPED = yaml.safe_load((PROJECT / "conf/base/parameters_export.yml").read_text())["export"]
BLOCKER = """
import sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        blocked = name.split(".")[0] in {blocked!r}
        return None if blocked else self.finder.find_spec(name, path, target)
sys.meta_path = [Without(finder) for finder in sys.meta_path]
"""
"""In front of a program, lets it run as if some packages were not installed."""


def run_without(blocked: set[str], program: str, folder: Path) -> dict[str, Any]:
    """The JSON that a program prints last, run in a folder without some packages."""
    blocked = {"galaxy_morphology", *blocked}
    code = BLOCKER.format(blocked=blocked) + program + f"\nassert not {blocked} & set(sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def block_of_docs(word: str) -> str:
    """The block of code in the documentation that has a word."""
    page = (PROJECT / "docs/export.md").read_text(encoding="utf-8")
    block: str
    (block,) = [one for one in re.findall(r"```python\n(.*?)```", page, re.S) if word in one]
    return block


def predicted(data_root: Path) -> pd.DataFrame:
    table = pd.read_parquet(data_root / "07_model_output/predictions.parquet")
    return table.set_index("cataid")[["probability_Elliptical", "probability_Other"]]


@pytest.fixture
def beside(exported_run: Path, tmp_path: Path) -> Path:
    """A folder whose data are those of the exported run."""
    (tmp_path / "data").symlink_to(exported_run)
    return tmp_path


@pytest.fixture
def copy(exported_run: Path, tmp_path: Path) -> Path:
    """A copy of the exported run, to be changed."""
    return Path(shutil.copytree(exported_run, tmp_path / "copy"))


def test_the_lines_in_the_docs_classify_files_with_onnxruntime_alone(
    beside: Path, exported_run: Path
) -> None:
    program = block_of_docs("onnxruntime") + (
        "print(json.dumps({name: p.tolist() for name, p in zip(names, probabilities)}))"
    )
    heavy = {"keras", "onnx", "pandas", "tensorflow", "tf2onnx"}
    found = run_without(heavy, program, beside)
    known = predicted(exported_run)
    assert len(found) == 4
    for name, probabilities in found.items():
        cataid = int(Path(name).name.removesuffix("_giH.png"))
        np.testing.assert_allclose(probabilities, known.loc[cataid], rtol=0, atol=1e-4)


def test_tensorflow_alone_loads_the_saved_model(beside: Path, exported_run: Path) -> None:
    program = block_of_docs("tensorflow") + (
        "import json; print(json.dumps({'said': probabilities.numpy().tolist()}))"
    )
    found = run_without({"keras", "tf_keras", "onnx", "onnxruntime"}, program, beside)["said"]
    np.testing.assert_allclose(found, predicted(exported_run)[:4], rtol=0, atol=1e-4)


def test_the_description_is_right(exported_run: Path) -> None:
    folder = exported_run / "06_models/export"
    model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    files = {
        file.relative_to(folder).as_posix(): {
            "bytes": file.stat().st_size,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        }
        for file in folder.rglob("*")
        if file.is_file() and file.name != "model.json"
    }
    assert model["files"] == files
    assert {"classifier.onnx", "saved_model/saved_model.pb"} <= set(files)
    classifier = keras.models.load_model(exported_run / "06_models/classifier.keras")
    weights = b"".join(one.tobytes() for one in classifier.get_weights())
    assert model["classifier"] == {
        "network": "compact_cnn", "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }  # fmt: skip
    assert model["classes"] == ["Elliptical", "Other"]
    assert model["input"]["shape"] == ["batch", 32, 32, 3]
    assert model["outputs"]["logits"]["shape"] == ["batch", 1]
    calibration = json.loads((exported_run / "07_model_output/calibration.json").read_text())
    assert {name: model[name] for name in calibration} == calibration
    assert model["compared"]["n_galaxies"] == 79
    differences = model["compared"]["largest_difference"]
    assert set(differences) == {"onnx", "saved_model", "predictions"}
    assert max(differences.values()) < 1e-5
    assert model["versions"]["keras"] == keras.__version__


def test_an_export_that_fails_leaves_what_was_there(copy: Path) -> None:
    def content() -> dict[str, bytes]:
        folder = copy / "06_models"
        return {str(one): one.read_bytes() for one in folder.rglob("*") if one.is_file()}

    before = content()
    with pytest.raises(ValueError, match=r"as onnx says something else .* at most 1e-12 .*Nothing"):
        run_project(copy, "export", changes={"export.tolerance": 1e-12})
    assert content() == before
    shutil.rmtree(copy / "06_models/export")
    with pytest.raises(ValueError, match=r"as saved_model says something else"):
        run_project(
            copy, "export",
            changes={"export.tolerance": 1e-12, "export.formats": ["saved_model"]},
        )  # fmt: skip
    assert not (copy / "06_models/export").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("no classifier", r"There is no .*classifier\.keras\. First run `kedro run --pipelines tr"),
        ("another classifier", r"was made from another classifier than the one at .*classifier\.k"),
        ("another mix", r"was made with other parameters `classification` than this run has"),
    ],
)
def test_what_does_not_belong_together_is_not_exported(change: str, words: str, copy: Path) -> None:
    changes = {}
    if change == "no classifier":
        (copy / "06_models/classifier.keras").unlink()
    elif change == "another mix":
        changes["classification.class_prior"] = {"Elliptical": 0.3, "Other": 0.7}
    else:  # as after another training
        lineage = json.loads((copy / "lineage.json").read_text(encoding="utf-8"))
        lineage["classifier"]["checksum"] = "0" * 32
        (copy / "lineage.json").write_text(json.dumps(lineage), encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        run_project(copy, "export", changes=changes)


# ------------------------------------------------------------------ nodes and options


def test_predictions_of_few_digits_are_compared_in_float32(exported_run: Path) -> None:
    classes = Classes({0: "Elliptical", 1: "Other"})
    prediction = PredictionOptions(batch_size=32, precision="mixed_bfloat16", views=1)
    parameters = yaml.safe_load((PROJECT / "conf/base/parameters_evaluation.yml").read_text())
    classification = ClassificationOptions(**parameters["classification"])
    options = ExportOptions(**SHIPPED | {"n_compared": 5})
    table = pd.read_parquet(exported_run / "07_model_output/predictions.parquet")
    images = np.load(exported_run / "05_model_input/images.npy", mmap_mode="r")
    calibration = json.loads((exported_run / "07_model_output/calibration.json").read_text())
    expected = nodes.predict_in_float32(
        keras.models.load_model(exported_run / "06_models/classifier.keras"), images, table,
        calibration, classes, classification, prediction, options,
    )  # fmt: skip
    columns = ["probability_Elliptical", "probability_Other"]
    certainty = table[columns].max(axis=1)
    assert expected.index[0] == certainty.idxmin()
    assert expected.index[-1] == certainty.idxmax()
    assert certainty[expected.index].is_monotonic_increasing
    np.testing.assert_allclose(expected[columns], table[columns].iloc[expected.index], atol=1e-6)
    folder = exported_run / "06_models/export"
    converted = {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*") if file.is_file()
    }  # fmt: skip
    short = table.assign(probability_Other=table["probability_Other"] + 0.01)
    differences = nodes.compare_answers(converted, expected, images, short, classes, options)
    assert differences["predictions"] == pytest.approx(0.01, abs=1e-6)
    assert max(differences["onnx"], differences["saved_model"]) < 1e-5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"formats": []}, "at least 1 item"),
        ({"formats": ["onnx", "onnx"]}, "expected each format once, found onnx, onnx"),
        ({"formats": ["tflite"]}, "'onnx' or 'saved_model'"),
        ({"n_compared": 0}, "greater than or equal to 1"),
        ({"tolerance": 0}, "greater than 0"),
    ],
)
def test_impossible_options(changes: dict[str, Any], words: str) -> None:
    ExportOptions.model_validate(SHIPPED)
    with pytest.raises(ValidationError, match=words):
        ExportOptions.model_validate(SHIPPED | changes)
