"""Typed parameters: the shipped ones are valid, and impossible ones are not."""

from typing import Any

import pytest
from pydantic import ValidationError

from galaxy_morphology.pipelines.data_processing.options import SplitOptions
from galaxy_morphology.pipelines.options import Classes


def test_classes_are_in_the_order_of_their_targets() -> None:
    assert Classes({7: "Other", 2: "Elliptical"}).names == ["Elliptical", "Other"]


@pytest.mark.parametrize(
    "classes", [{0: "Elliptical"}, {}, {0: "Other", 1: "Other"}, {"a": "Elliptical", "b": "Other"}]
)
def test_impossible_classes(classes: Any) -> None:
    with pytest.raises(ValidationError):
        Classes.model_validate(classes)


def test_splits_leave_something_for_training() -> None:
    assert SplitOptions(validation_fraction=0.2, test_fraction=0.0, seed=42).test_fraction == 0
    with pytest.raises(ValidationError, match=r"0.5 \+ 0.5 is not below 1"):
        SplitOptions(validation_fraction=0.5, test_fraction=0.5, seed=42)


def test_options_cannot_be_changed_on_the_way() -> None:
    options = SplitOptions(validation_fraction=0.2, test_fraction=0.0, seed=42)
    with pytest.raises(ValidationError, match="frozen"):
        options.seed = 1
