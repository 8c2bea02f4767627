"""The eight views of a square cut-out: four quarter turns, each as it is and mirrored.

Galaxies have no up and no handedness. What a network says of one view is as good as what it says
of any other, and the mean over all is better than either: test-time augmentation, as of
Krizhevsky et al. 2012, and Dieleman et al. 2015 for galaxies (arXiv:1503.07077).
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.compiled import apply_again
from galaxy_morphology.typing import KerasModel

NumberOfViews = Literal[1, 8]
"""A cut-out as it is, or all eight of its views."""


class View(NamedTuple):
    """One way to look at a square.

    Attributes:
        quarters: Quarter turns, against the clock.
        mirrored: Whether left and right are exchanged after them.
    """

    quarters: int
    mirrored: bool

    def turn(self, images: NDArray[Any]) -> NDArray[Any]:
        """Images [N, side, side, ...] in this view; no pixel is copied."""
        turned = np.rot90(images, self.quarters, axes=(1, 2))
        return turned[:, :, ::-1] if self.mirrored else turned

    def turn_back(self, images: NDArray[Any]) -> NDArray[Any]:
        """Images or maps [N, side, side, ...] of this view as they were before."""
        mirrored = images[:, :, ::-1] if self.mirrored else images
        return np.rot90(mirrored, -self.quarters, axes=(1, 2))


VIEWS = tuple(View(quarters, mirrored) for mirrored in (False, True) for quarters in range(4))
"""All of them; the first leaves images as they are."""


def check_square(height: int, width: int) -> None:
    """Refuse images that no longer fit the network when they are turned.

    Args:
        height: In pixels.
        width: In pixels.

    Raises:
        ValueError: They are not square.
    """
    if height != width:
        raise ValueError(
            f"Found cut-outs of {height} × {width} px; expected square ones: turned by 90 degrees, "
            "others no longer fit the network. Cut out squares."
        )


def mean_over_views(classifier: KerasModel, n_views: NumberOfViews) -> KerasModel:
    """A classifier that says of an image the mean of what another says of its views.

    It shares the layers of the other, which looks at all views in one batch: inside, there are
    eight rows for every image, those of the first view before those of the second.

    Args:
        classifier: A flat functional Keras model with a layer named ``logit`` and, after it, one
            named ``probability``.
        n_views: The first so many of ``VIEWS``.

    Returns:
        A model of the same inputs and outputs; the classifier itself for a single view.

    Raises:
        ValueError: The classifier takes images that are not square.
    """
    import keras
    from keras import ops

    if n_views == 1:
        return classifier
    shape = classifier.input_shape[1:]
    check_square(*shape[:2])
    inputs = keras.Input(shape, name="views_of")
    turned = [ops.rot90(inputs, view.quarters, axes=(1, 2)) for view in VIEWS[:n_views]]
    views = [
        ops.flip(some, axis=2) if view.mirrored else some
        for some, view in zip(turned, VIEWS, strict=False)
    ]
    to_logits = keras.Model(classifier.inputs, classifier.get_layer("logit").output)
    logits = apply_again(to_logits, ops.concatenate(views, axis=0))
    mean = ops.mean(ops.reshape(logits, (n_views, -1, logits.shape[-1])), axis=0)
    end = classifier.get_layer("probability")
    probability = keras.layers.Activation(end.activation, name="probability")(mean)
    return keras.Model(inputs, probability, name=f"{classifier.name}_over_views")
