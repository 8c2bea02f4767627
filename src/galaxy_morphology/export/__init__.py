"""A classifier for programs that know nothing of this project: as ONNX and as SavedModel."""

from galaxy_morphology.export.agreement import check_agreement
from galaxy_morphology.export.formats import FORMATS, Files, Format
from galaxy_morphology.export.serving import INPUT, OUTPUTS, serving_module

__all__ = [
    "FORMATS",
    "INPUT",
    "OUTPUTS",
    "Files",
    "Format",
    "check_agreement",
    "serving_module",
]
