"""Boxes of the graph: what only the inside of a box uses bears its name, and is hidden with it."""

from collections.abc import Iterable, Set

from kedro.pipeline import Node, Pipeline


def box(
    name: str,
    contents: Iterable[Node | Pipeline],
    shared: Set[str] = frozenset(),
    own: Set[str] = frozenset(),
) -> Pipeline:
    """Put nodes or boxes into a box.

    Datasets that the contents make get the name of the box in front, ``name.dataset``, but for
    the shared ones. What comes from outside keeps its name, but for what the box alone reads.

    Args:
        name: Of the box; the namespace of its nodes.
        contents: What lies in it.
        shared: What others read, or people look for.
        own: What comes from outside for this box alone.
    """
    inside = Pipeline(contents)
    given = inside.inputs()
    parameters = {each for each in given if each.startswith("params:")}
    return Pipeline(
        inside,
        namespace=name,
        inputs=given - parameters - {"parameters"} - own,
        outputs=inside.all_outputs() & shared,
        parameters=parameters,
    )
