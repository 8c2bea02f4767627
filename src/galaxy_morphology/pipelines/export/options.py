"""Typed parameters of the export."""

from typing import Literal

from pydantic import Field, field_validator

from galaxy_morphology.options import Options


class ExportOptions(Options):
    """Which of ``export.FORMATS`` are written, and how they are checked."""

    formats: tuple[Literal["onnx", "saved_model"], ...] = Field(min_length=1)
    n_compared: int = Field(ge=1)
    tolerance: float = Field(gt=0, lt=1)

    @field_validator("formats")
    @classmethod
    def _each_once(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(formats)) < len(formats):
            raise ValueError(f"expected each format once, found {', '.join(formats)}")
        return formats
