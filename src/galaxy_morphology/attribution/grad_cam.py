"""Grad-CAM: where the last convolution saw what speaks for the class.

Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391
"""

from typing import Any

import numpy as np
from tqdm import tqdm

from galaxy_morphology.attribution.layers import feature_maps
from galaxy_morphology.attribution.logits import classes_to_explain, explained_logit, logit_model
from galaxy_morphology.compiled import once_per_network, pooling_first
from galaxy_morphology.typing import Attribution, FloatArray, Images, IntArray, KerasModel


def grad_cam(
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray | None = None,
    *,
    layer_name: str | None = None,
    batch_size: int = 32,
) -> Attribution:
    """Weigh the feature maps of a convolution by how much each raises the logit of a class.

    The weight of a map is the mean of the gradient over it; the weighted sum is cut off below
    zero, so the result says where there is evidence for the class, never against it.

    Args:
        model: A functional or Sequential Keras classifier.
        images: [N, height, width, channels], in the units the model takes.
        class_indices: The class to explain for each image, int [N]; the predicted when None.
        layer_name: The convolution to look at, or the activation after it; when None, the one
            that :func:`last_feature_maps` finds.
        batch_size: Images at a time.

    Returns:
        Maps float32 [N, height, width], not negative, enlarged from the size of the feature
        maps by bilinear interpolation. Quality: ``positive_share``, the sum of the weighted maps
        above zero as a share of their absolute sum: near zero, the map shows the little that
        spoke for a class against which nearly everything spoke.

    Raises:
        ValueError: The model cannot be explained, has no such layer, or one whose output is no
            set of feature maps; or it does not take such images or know such a class.
    """
    import tensorflow as tf

    classes = classes_to_explain(model, images, class_indices)
    maps_and_shares = _maps_and_shares(model, layer_name)
    maps = np.empty(images.shape[:3], np.float32)
    shares = np.empty(len(images))
    for start in tqdm(range(0, len(images), batch_size), desc="Grad-CAM", unit="batch"):
        some = slice(start, start + batch_size)
        maps[some], shares[some] = maps_and_shares(tf.cast(images[some], tf.float32), classes[some])
    return Attribution(maps, {"positive_share": shares})


@once_per_network
def _maps_and_shares(model: KerasModel, layer_name: str | None) -> Any:
    """Compile Grad-CAM of a batch.

    Args:
        model: See :func:`grad_cam`.
        layer_name: See :func:`grad_cam`.

    Returns:
        A function from images float32 [N, height, width, channels] and classes int32 [N] to
        maps float32 [N, height, width] and the ``positive_share`` [N].
    """
    import keras
    import tensorflow as tf

    to_features_and_logits = pooling_first(
        keras.Model(
            model.inputs[0], [feature_maps(model, layer_name), logit_model(model).outputs[0]]
        )
    )
    images = tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32)

    @tf.function(autograph=False, input_signature=[images, tf.TensorSpec((None,), tf.int32)])
    def maps_and_shares(some: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(some)
            features, logits = to_features_and_logits(some, training=False)
            logit = explained_logit(logits, classes)
        weights = tf.reduce_mean(tape.gradient(logit, features), axis=(1, 2), keepdims=True)
        weighted = tf.reduce_sum(weights * features, axis=-1, keepdims=True)
        evidence = tf.nn.relu(weighted)
        share = tf.math.divide_no_nan(
            tf.reduce_sum(evidence, axis=(1, 2, 3)), tf.reduce_sum(tf.abs(weighted), axis=(1, 2, 3))
        )
        return tf.image.resize(evidence, tf.shape(some)[1:3], method="bilinear")[..., 0], share

    return maps_and_shares
