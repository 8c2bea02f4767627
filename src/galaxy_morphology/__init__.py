"""Classify galaxy cut-outs with a network that explains itself."""

from importlib.metadata import version

__version__ = version("galaxy-morphology")
