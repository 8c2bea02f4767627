"""One page to open after a run: its figures, tables and what they say, in one file."""

from galaxy_morphology.report.page import Picture, Table, page, section

__all__ = ["Picture", "Table", "page", "section"]
