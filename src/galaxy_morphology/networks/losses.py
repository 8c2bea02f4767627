"""What training lowers: how far a network is from the votes for each class.

Needs Keras to be imported: import this module only inside functions.
"""

from typing import Any

import keras
import tensorflow as tf

FEWEST, MOST = 1.0, 1000.0
LEAST = 1e-30


def concentration(features: Any) -> Any:
    """How alike galaxies are that look alike: the sum of the parameters of their Dirichlet.

    Votes for galaxies of a large one scatter no more than those of people who each decide by
    chance; with a small one, galaxies that look the same to the network get other fractions. It
    begins near 50, in the middle of its range in factors.

    Args:
        features: What the classes are told from, [n, features].

    Returns:
        A Keras tensor [n, 1], between 1 and 1000.
    """
    share = keras.layers.Dense(
        1,
        activation="sigmoid",
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant(-3.0),
        dtype="float32",
        name="concentration",
    )(features)
    return FEWEST + (MOST - FEWEST) * share


def dirichlet_multinomial(votes: Any, logits: Any, concentration: Any) -> Any:
    """Minus the log-likelihood of votes, their fractions drawn from a Dirichlet distribution.

    As in Galaxy Zoo DECaLS (Walmsley et al. 2022, MNRAS 509, 3966, arXiv:2102.08414), where a
    network says the parameters of the Dirichlet distribution for each galaxy. Here they are the
    probabilities of the classes times a concentration, so that the logits mean what they mean for
    other losses. For a large concentration it is the multinomial likelihood of their binomial loss
    before (Walmsley et al. 2020, MNRAS 491, 1554).

    Args:
        votes: For each class, [n, K]; they need not be whole.
        logits: [n, 1] for two classes, [n, K] for K.
        concentration: The sum of the parameters, [n, 1].

    Returns:
        float64 [n].
    """
    votes, logits, total = (tf.cast(x, tf.float64) for x in (votes, logits, concentration))
    if logits.shape[1] == 1:  # a sigmoid is the softmax of the logit against zero
        logits = tf.concat([tf.zeros_like(logits), logits], axis=1)
    each = tf.maximum(total * tf.nn.softmax(logits), LEAST)
    n_votes, total = tf.reduce_sum(votes, axis=1), total[:, 0]
    of_all = tf.math.lgamma(total) - tf.math.lgamma(total + n_votes) + tf.math.lgamma(n_votes + 1)
    of_each = tf.math.lgamma(votes + each) - tf.math.lgamma(each) - tf.math.lgamma(votes + 1)
    return -of_all - tf.reduce_sum(of_each, axis=1)
