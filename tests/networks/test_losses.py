"""The loss for counted votes, against SciPy and what it becomes at its ends."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import expit, log_softmax, softmax
from scipy.stats import dirichlet_multinomial as of_scipy
from scipy.stats import multinomial

from galaxy_morphology.typing import FloatArray


def losses(votes: Any, logits: FloatArray, concentration: FloatArray) -> FloatArray:
    from galaxy_morphology.networks.losses import dirichlet_multinomial

    return np.asarray(dirichlet_multinomial(votes, logits, concentration))


def cases(n_classes: int, n: int = 20) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Votes of whole numbers, some of them none, logits and concentrations."""
    rng = np.random.default_rng(n_classes)
    votes = rng.integers(0, 15, (n, n_classes)) * rng.integers(0, 2, (n, n_classes))
    votes[0] = 0
    logits = rng.normal(0, 2, (n, 1 if n_classes == 2 else n_classes))
    return votes.astype(float), logits, rng.uniform(1, 1000, (n, 1))


def parameters(logits: FloatArray, concentration: FloatArray) -> FloatArray:
    """Of the Dirichlet distribution, [n, K]."""
    if logits.shape[1] == 1:
        shares = np.concatenate([expit(-logits), expit(logits)], axis=1)
    else:
        shares = softmax(logits, axis=1)
    return np.asarray(concentration * shares)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_it_is_that_of_scipy(n_classes: int) -> None:
    votes, logits, concentration = cases(n_classes)
    alphas = parameters(logits, concentration)
    expected = [
        -of_scipy.logpmf(some.astype(int), alpha, int(some.sum())) if some.any() else 0.0
        for some, alpha in zip(votes, alphas, strict=True)
    ]
    np.testing.assert_allclose(losses(votes, logits, concentration), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_its_gradient_is_that_of_finite_differences_of_scipy(n_classes: int) -> None:
    import tensorflow as tf

    votes, logits, concentration = cases(n_classes, 8)
    given = [tf.constant(logits), tf.constant(concentration)]
    from galaxy_morphology.networks.losses import dirichlet_multinomial

    with tf.GradientTape() as tape:
        tape.watch(given)
        total = tf.reduce_sum(dirichlet_multinomial(tf.constant(votes), *given))
    found = np.concatenate([np.asarray(some) for some in tape.gradient(total, given)], axis=1)

    for i, some in enumerate(votes):
        if not some.any():
            np.testing.assert_allclose(found[i], 0, atol=1e-12)
            continue

        def loss(x: FloatArray, some: FloatArray = some) -> float:
            alpha = parameters(x[None, :-1], x[None, -1:])[0]
            return -float(of_scipy.logpmf(some.astype(int), alpha, int(some.sum())))

        at = np.concatenate([logits[i], concentration[i]])
        expected = approx_fprime(at, loss, 1e-6 * np.maximum(np.abs(at), 1))
        np.testing.assert_allclose(found[i], expected, rtol=1e-3, atol=1e-5)


def test_with_one_vote_it_is_the_cross_entropy() -> None:
    _, logits, concentration = cases(3)
    votes = np.eye(3)[np.arange(20) % 3]
    cross_entropy = -log_softmax(logits, axis=1)[np.arange(20), np.arange(20) % 3]
    np.testing.assert_allclose(losses(votes, logits, concentration), cross_entropy)


def test_with_much_concentration_it_is_the_multinomial_likelihood() -> None:
    votes, logits, _ = cases(3)
    shares = softmax(logits, axis=1)
    expected = -multinomial.logpmf(votes, votes.sum(axis=1).astype(int), shares)
    np.testing.assert_allclose(losses(votes, logits, np.full((20, 1), 1e7)), expected, rtol=1e-4)


@pytest.mark.parametrize("logit", [-800.0, 800.0])
def test_surest_mistakes_have_numbers(logit: float) -> None:
    found = losses(np.array([[20.0, 20.0]]), np.array([[logit]]), np.array([[50.0]]))
    assert np.isfinite(found).all()
    assert found[0] > 50


def test_votes_of_an_empty_sky_are_best_explained_by_equal_classes() -> None:
    votes = np.full((41, 2), 9.5)
    found = losses(votes, np.linspace(-2, 2, 41)[:, None], np.full((41, 1), 100.0))
    assert found.argmin() == 20
