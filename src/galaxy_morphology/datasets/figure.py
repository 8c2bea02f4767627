"""Figures, written whole or not at all. In a module of its own: it imports Matplotlib."""

from kedro_datasets import matplotlib

from galaxy_morphology.datasets.whole import Whole


class MatplotlibDataset(Whole, matplotlib.MatplotlibDataset):
    """A figure in a file, or several in a folder, which is replaced as a whole."""
