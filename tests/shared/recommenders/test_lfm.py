"""The latent factor model equals stochastic gradient descent written down plainly."""

import numpy as np
from recommender_worlds import random_world

from shared.progress import SILENT
from shared.randomness import rng_for, seed_for
from shared.recommenders.lfm import Lfm, LfmSettings, factorize
from shared.recommenders.sampling import Sampler, unpack


def slow_factorize(histories, settings, seed):
    rng = rng_for("lfm", seed, "start")
    p, q = (
        settings.init_scale * rng.standard_normal((n, settings.n_factors), dtype=np.float32).astype(float)
        for n in histories.shape
    )
    sampler = Sampler(histories, n_negatives=1)
    for epoch in range(settings.n_epochs):
        samples = sampler.draw(seed=seed_for("lfm", seed, "epoch", epoch))
        for user, item, label in zip(*unpack(samples), strict=True):
            error = label - p[user] @ q[item]
            p_step = error * q[item] - settings.regularization * p[user]
            q_step = error * p[user] - settings.regularization * q[item]
            p[user] = p[user] + settings.learning_rate * p_step
            q[item] = q[item] + settings.learning_rate * q_step
    return p, q


def test_training_equals_the_plain_loop():
    histories = random_world()
    settings = LfmSettings(n_factors=7, n_epochs=2)

    found = factorize(histories, settings, seed=4, progress=SILENT)

    for fast, slow in zip(found, slow_factorize(histories, settings, 4), strict=True):
        np.testing.assert_allclose(fast, slow, atol=1e-5)  # float32 against float64 over a thousand steps


def test_the_error_falls():
    histories = random_world()
    dense = histories.toarray()

    def error(n_epochs):
        settings = LfmSettings(n_factors=8, n_epochs=n_epochs, learning_rate=0.05)
        p, q = factorize(histories, settings, seed=4, progress=SILENT)
        return ((p @ q.T - dense) ** 2)[dense > 0].mean()

    assert error(60) < error(20) < error(1)


def test_scores_are_dot_products():
    rng = np.random.default_rng(0)
    for n_factors in (1, 3, 8, 10):
        p = rng.standard_normal((30, n_factors), dtype=np.float32)
        q = rng.standard_normal((1100, n_factors), dtype=np.float32)

        found = Lfm(random_world(30, 1100), p, q).scores(np.array([3, 1]))

        np.testing.assert_allclose(found, p[[3, 1]] @ q.T, atol=1e-5)  # order of sums in float32
