"""Figures, written whole or not at all. In a module of its own: it imports Matplotlib."""

from pathlib import Path

from kedro_datasets import matplotlib

from galaxy_morphology.datasets.whole import Whole


class MatplotlibDataset(Whole, matplotlib.MatplotlibDataset):
    """A figure in a file, or several in a folder, which is replaced as a whole.

    What is saved as a figure is loaded as a picture: the bytes of its file, or of all files of
    the folder by their names.
    """

    def load(self) -> bytes | dict[str, bytes]:
        """Read the file, or all files of the folder in the order of their names."""
        path = Path(self._filepath)
        if path.is_dir():
            return {file.name: file.read_bytes() for file in sorted(path.iterdir())}
        return path.read_bytes()
