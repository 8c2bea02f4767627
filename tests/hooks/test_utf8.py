"""Text files are UTF-8, whatever the locale."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
import pandas as pd
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node
from galaxy_morphology.hooks import Utf8Hook

catalog = DataCatalog.from_config({
    "table": {"type": "pandas.CSVDataset", "filepath": sys.argv[1] + "/table.csv"},
    "text": {"type": "text.TextDataset", "filepath": sys.argv[1] + "/text.md"},
    "figure": {"type": "matplotlib.MatplotlibDataset", "filepath": sys.argv[1] + "/figure.png"},
})
pipeline = Pipeline([node(lambda a: a, "a", ["table", "text", "figure"])])
Utf8Hook().before_pipeline_run(pipeline, catalog)
name = chr(0x03A3) + chr(0x661F)
catalog.save("table", pd.DataFrame({"class_name": [name]}))
catalog.save("text", name)
assert catalog.load("text") == name
assert catalog.load("table")["class_name"].tolist() == [name]
assert "encoding" not in catalog["figure"]._fs_open_args_save
"""


def test_names_in_any_script_are_saved_where_the_locale_knows_none(tmp_path: Path) -> None:
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], env=ascii_only, check=True)
    assert (tmp_path / "text.md").read_text(encoding="utf-8") == "Σ星"
    assert "Σ星" in (tmp_path / "table.csv").read_text(encoding="utf-8")
