"""The three-block CNN of the original experiment."""

from galaxy_morphology.networks.bands import BandScale
from galaxy_morphology.networks.ends import classifier, cutout_input
from galaxy_morphology.typing import Count, Counts, KerasModel, Share


def three_block_cnn(
    image_shape: tuple[int, int, int],
    n_classes: int,
    *,
    colour: bool = True,
    bands: BandScale | None = None,
    filters: Counts = (32, 64, 128),
    block_dropout: Share = 0.1,
    dense_units: Count = 512,
    dense_dropout: Share = 0.5,
    batch_norm_momentum: Share = 0.9,
) -> KerasModel:
    """Build three blocks of convolution, normalisation and pooling, and a dense classifier.

    The last convolution is named ``last_conv``; the network begins and ends as all do, see
    ``ends``.

    Args:
        image_shape: Height, width and channels of a cut-out.
        n_classes: Two classes are one logit and a sigmoid, more are as many logits and a softmax.
        colour: Whether the network sees colours, or only the mean of the channels.
        bands: What bands are scaled by; None for pictures.
        filters: Number of 3 × 3 filters in each block.
        block_dropout: Share of features dropped after each block.
        dense_units: Width of the dense layer.
        dense_dropout: Share of its units dropped.
        batch_norm_momentum: Weight of the past in the moving statistics of each
            BatchNormalization. Keras' own default of 0.99 takes hundreds of steps to settle.

    Returns:
        An uncompiled model from pixel values of 0 to 255, RGB, or bands, to probabilities.

    Raises:
        ValueError: The cut-outs are too small for so many blocks.
    """
    from keras import layers

    side = min(image_shape[:2])
    for _ in filters:
        side = (side - 2) // 2  # the convolution takes a pixel from every edge, pooling halves
    if side < 1:
        raise ValueError(
            f"Cut-outs of {image_shape[0]} × {image_shape[1]} px are too small for "
            f"{len(filters)} blocks: nothing is left of them. Use fewer "
            "(`network.options.three_block.filters`), or larger cut-outs (`cutouts.side`)."
        )
    inputs, x = cutout_input(image_shape, colour=colour, bands=bands)
    for block, n_filters in enumerate(filters, start=1):
        name = "last_conv" if block == len(filters) else f"conv_{block}"
        x = layers.Conv2D(n_filters, 3, activation="relu", name=name)(x)
        x = layers.BatchNormalization(momentum=batch_norm_momentum, name=f"conv_norm_{block}")(x)
        x = layers.MaxPooling2D(2, name=f"pool_{block}")(x)
        x = layers.Dropout(block_dropout, name=f"block_dropout_{block}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(dense_units, activation="relu", name="dense")(x)
    x = layers.BatchNormalization(momentum=batch_norm_momentum, name="dense_norm")(x)
    x = layers.Dropout(dense_dropout, name="dense_dropout")(x)
    return classifier(inputs, x, n_classes, name="three_block_cnn")
