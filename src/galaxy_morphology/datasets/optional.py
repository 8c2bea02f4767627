"""What a node reads where it is there, and can do without."""

from typing import Any

from galaxy_morphology.datasets.whole import JSONDataset


class OptionalJSONDataset(JSONDataset):
    """What JSON can hold; None where there is no file, or where a run leaves it out.

    Kedro knows no optional inputs. Before a node loads this, ``hooks/lineage.py`` sets ``left_out``
    where the file does not fit the node's other inputs, for which it would refuse any other input.
    """

    left_out = False

    def load(self) -> Any:
        """Read the file, if it is there and not left out."""
        return super().load() if self.exists() and not self.left_out else None
