"""RISE: where the logit is higher the more of a cut-out is seen there.

Petsiuk, Das & Saenko 2018, https://arxiv.org/abs/1806.07421. They weigh each mask by the
probability of the class, and get maps that are never negative; here masks are set against the
mean, so that what speaks against the class shows as well.
"""

from typing import Annotated, NamedTuple

import numpy as np
from annotated_types import Ge, Interval
from numpy.typing import NDArray

from galaxy_morphology.attribution.baselines import Baseline
from galaxy_morphology.attribution.hiding import Hideable, hideable_galaxies
from galaxy_morphology.attribution.logits import classes_to_explain
from galaxy_morphology.typing import Attribution, Count, FloatArray, Images, IntArray, KerasModel


def rise(
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray | None = None,
    *,
    n_masks: Annotated[int, Ge(4)] = 2000,
    cells: Annotated[int, Ge(2)] = 8,
    share_shown: Annotated[float, Interval(gt=0, lt=1)] = 0.5,
    hide_with: Baseline = "noisy_sky",
    n_skies: Count = 8,
    seed: Annotated[int, Ge(0)] = 0,
    batch_size: Count = 64,
) -> Attribution:
    """Regress the logit of a class on what random masks show of each pixel.

    A mask is a coarse grid of cells that are shown or hidden at random, shifted by up to a cell
    and enlarged bilinearly. The skies take turns between the masks.

    Args:
        model: A functional or Sequential Keras classifier.
        images: [N, height, width, channels], in the units the model takes.
        class_indices: The class to explain for each image, int [N]; the predicted when None.
        n_masks: Masks per image.
        cells: Cells of the grid along each side of the image.
        share_shown: Share of the cells that are shown.
        hide_with: What hidden pixels show, see :func:`baseline_images`.
        n_skies: How many different skies.
        seed: Seeds skies and masks.
        batch_size: Cut-outs at a time.

    Returns:
        Maps float32 [N, height, width], signed: the slope of the logit with the share of a pixel
        that is shown, which is what a cell around it adds. Quality: ``halves_agree``, Pearson's
        correlation between the maps of every other mask and those of the rest: how far the map
        would be the same with other masks.

    Raises:
        ValueError: The model cannot be explained; or it does not take such images or know such
            a class.
    """
    if not 0 < share_shown < 1:
        raise ValueError(f"Found a share of {share_shown}; expected one between 0 and 1.")
    classes = classes_to_explain(model, images, class_indices)
    maps = np.empty(images.shape[:3], np.float32)
    halves_agree = np.empty(len(images))
    galaxies = hideable_galaxies(
        model, images, classes, hide_with=hide_with, n_skies=n_skies, seed=seed,
        batch_size=batch_size, progress="RISE",
    )  # fmt: skip
    for i, galaxy in enumerate(galaxies):
        masks = _draw_masks(n_masks, cells, share_shown, maps.shape[1:], galaxy.rng)
        logits = _logits_behind_masks(galaxy, masks)
        halves = np.stack([_slopes(masks, logits, share_shown, half) for half in (0, 1)])
        maps[i] = halves.mean(axis=0)
        with np.errstate(invalid="ignore"):  # 0 / 0 of flat maps is NaN: they rank nothing
            halves_agree[i] = np.asarray(np.corrcoef(halves.reshape(2, -1)))[0, 1]
    notes = [f"halves of the masks agree: {found:.2f}" for found in halves_agree]
    return Attribution(maps, {"halves_agree": halves_agree}, "RISE", notes)


class _Masks(NamedTuple):
    """Grids to be enlarged: 2000 masks of 128 px would take 131 MB, these take 21.

    Attributes:
        nodes: 1 where a node is shown, float32 [n, nodes, nodes].
        down: The weights of the nodes in each row of pixels, float32 [n, height, nodes].
        across: Those in each column, float32 [n, width, nodes].
    """

    nodes: NDArray[np.float32]
    down: NDArray[np.float32]
    across: NDArray[np.float32]

    def enlarged(self, some: slice) -> NDArray[np.float32]:
        """What some of the masks show of each pixel, float32 [n, height, width], 0 to 1."""
        nodes, down, across = (part[some] for part in self)
        return np.asarray(down @ nodes @ across.transpose(0, 2, 1))


def _draw_masks(
    n: int, cells: int, share_shown: float, shape: tuple[int, ...], rng: np.random.Generator
) -> _Masks:
    """Random grids, shifted by up to a cell."""
    n_nodes = cells + 2  # a pixel of the last cell, shifted by up to one, lies before the last node
    nodes = (rng.random((n, n_nodes, n_nodes)) < share_shown).astype(np.float32)

    def weights(side: int) -> NDArray[np.float32]:
        places = np.arange(side)[:, None] * (cells / side) + rng.random((n, 1, 1))
        return np.asarray(np.maximum(0, 1 - np.abs(places - np.arange(n_nodes))), np.float32)

    down, across = (weights(side) for side in shape)
    return _Masks(nodes, down, across)


def _logits_behind_masks(galaxy: Hideable, masks: _Masks) -> NDArray[np.float64]:
    """The explained logit behind each mask, [n]; the skies take turns."""
    number = np.arange(len(masks.nodes))
    batches = [
        slice(start, start + galaxy.batch_size) for start in number[:: galaxy.batch_size].tolist()
    ]
    return np.concatenate(
        [galaxy.logits(masks.enlarged(batch), number[batch]) for batch in batches]
    )


def _slopes(
    masks: _Masks, logits: NDArray[np.float64], share_shown: float, half: int
) -> NDArray[np.float64]:
    """The slope at each pixel by every other mask, [height, width]: covariance over variance."""
    nodes, down, across = (part[half::2] for part in masks)
    rises = logits[half::2] - logits[half::2].mean()
    weighted = rises[:, None, None] * (down @ nodes)
    covariance = np.tensordot(weighted, across, axes=((0, 2), (0, 2))) / len(rises)
    # A pixel lies anywhere between two nodes, whose weights w and 1 - w have a mean sum of
    # squares of 2/3 in each direction.
    variance = share_shown * (1 - share_shown) * (2 / 3) ** 2
    return np.asarray(covariance / variance)
