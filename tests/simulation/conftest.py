"""The default parameters, as the pipeline hands them to the library. Not to be written to."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from galaxy_morphology.pipelines.simulation.options import ObservationOptions, Populations


@pytest.fixture(scope="session")
def parameters() -> dict[str, Any]:
    """The parameters as they are written."""
    path = Path(__file__).parents[2] / "conf" / "base" / "parameters_simulation.yml"
    return dict(yaml.safe_load(path.read_text()))


@pytest.fixture(scope="session")
def populations(parameters: dict[str, Any]) -> dict[str, Any]:
    """The populations by name."""
    return dict(Populations.model_validate(parameters["populations"]).model_dump())


@pytest.fixture(scope="session")
def observation(parameters: dict[str, Any]) -> dict[str, Any]:
    """What is common to all cut-outs."""
    return ObservationOptions.model_validate(parameters["observation"]).model_dump()
