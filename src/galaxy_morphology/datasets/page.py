"""The report, of which kedro-viz shows the summary."""

import re
from pathlib import Path

from kedro_datasets._typing import HTMLPreview

from galaxy_morphology.datasets.whole import TextDataset

SUMMARY = re.compile(r'<section id="summary".*?</section>', re.DOTALL)
LINK_TARGET = re.compile(r' href="[^"]*"')


class PageDataset(TextDataset):
    """A page of HTML."""

    def preview(self) -> HTMLPreview:
        """The summary of the page and where it lies: kedro-viz runs no scripts of a page."""
        summary = SUMMARY.search(self.load())
        found = LINK_TARGET.sub("", summary[0]) if summary else ""
        return HTMLPreview(f"<p>Open <code>{Path(self._filepath)}</code> for all of it.</p>{found}")
