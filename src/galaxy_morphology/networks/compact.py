"""A compact CNN without dense layers, which need not learn every place and angle by itself."""

from typing import Annotated

from annotated_types import Ge

from galaxy_morphology.networks.bands import BandScale
from galaxy_morphology.networks.ends import classifier, cutout_input
from galaxy_morphology.typing import Counts, KerasModel, Share


def compact_cnn(
    image_shape: tuple[int, int, int],
    n_classes: int,
    *,
    colour: bool = True,
    bands: BandScale | None = None,
    filters: Counts = (24, 48, 96, 192, 256),
    n_poolings: Annotated[int, Ge(0)] = 2,
    dropout: Share = 0.3,
    batch_norm_momentum: Share = 0.9,
) -> KerasModel:
    """Build 3 × 3 convolutions with normalisation and pooling, and average what they found.

    The first convolution halves the resolution, pooling does so after each of the next. With two
    poolings, cut-outs of 128 px end in maps of 16 × 16 cells, of which each sees 53 px: fine
    enough to say where in the galaxy something was found. The mean over the frame (Lin et al.
    2014, arXiv:1312.4400) leaves a number per filter, so that the classifier is small, where the
    galaxy lies does not matter, and what each cell adds to the logit is known. What the last
    convolution found, normalised and rectified, is named ``last_conv``; the network begins and
    ends as all do, see ``ends``.

    Args:
        image_shape: Height, width and channels of a cut-out.
        n_classes: Two classes are one logit and a sigmoid, more are as many logits and a softmax.
        colour: Whether the network sees colours, or only the mean of the channels.
        bands: What bands are scaled by; None for pictures.
        filters: Number of filters of each convolution, two or more.
        n_poolings: How many convolutions are pooled at most, from the second to the last but one.
        dropout: Share of the averaged features dropped.
        batch_norm_momentum: Weight of the past in the moving statistics of each
            BatchNormalization.

    Returns:
        An uncompiled model from pixel values of 0 to 255, RGB, or bands, to probabilities.

    Raises:
        ValueError: The cut-outs are too small for so many poolings.
    """
    from keras import layers

    n_poolings = min(n_poolings, max(0, len(filters) - 2))
    if min(image_shape[:2]) < 2 ** (n_poolings + 1):
        raise ValueError(
            f"Cut-outs of {image_shape[0]} × {image_shape[1]} px are too small for a first "
            f"convolution and {n_poolings} poolings, each to half the resolution. Use fewer "
            "(`network.options.compact.n_poolings`), or larger cut-outs (`cutouts.side`)."
        )
    inputs, x = cutout_input(image_shape, colour=colour, bands=bands)
    for i, n_filters in enumerate(filters, start=1):
        # The normalisation that follows has a bias of its own.
        x = layers.Conv2D(
            n_filters,
            3,
            strides=2 if i == 1 else 1,
            padding="same",
            use_bias=False,
            name=f"conv_{i}",
        )(x)
        x = layers.BatchNormalization(momentum=batch_norm_momentum, name=f"conv_norm_{i}")(x)
        x = layers.ReLU(name="last_conv" if i == len(filters) else f"relu_{i}")(x)
        if 1 < i < 2 + n_poolings:
            x = layers.MaxPooling2D(2, name=f"pool_{i}")(x)
    x = layers.GlobalAveragePooling2D(name="mean_over_frame")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    return classifier(inputs, x, n_classes, name="compact_cnn")
