"""What is compiled for a network: made once, and kept as long as the network lives."""

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from galaxy_morphology.typing import KerasModel

Compiled = TypeVar("Compiled")


def once_per_network(build: Callable[..., Compiled]) -> Callable[..., Compiled]:
    """Let a function that compiles something for a network do so once for each.

    TensorFlow takes some tenths of a second to trace a network with its gradient, and whoever
    explains or classifies a few galaxies at a time would wait for it each time. As with Keras' own
    ``predict``, weights may change afterwards; layers may not be exchanged.

    Args:
        build: Takes a network and hashable options. What it returns must not hold on to the
            network itself, or neither would ever be forgotten; its layers are fine.

    Returns:
        The function that remembers.
    """
    by_network: WeakKeyDictionary[Any, dict[Hashable, Compiled]] = WeakKeyDictionary()

    @wraps(build)
    def build_once(network: KerasModel, *options: Hashable) -> Compiled:
        by_options = by_network.setdefault(network, {})
        if options not in by_options:
            by_options[options] = build(network, *options)
        return by_options[options]

    return build_once
