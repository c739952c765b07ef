"""The latent factor model equals stochastic gradient descent written down plainly."""

import numpy as np
import pytest
from recommender_worlds import random_world

from shared.progress import SILENT
from shared.randomness import rng_for, seed_for
from shared.recommenders.lfm import Lfm
from shared.recommenders.lfm_training import LfmSettings, factorize
from shared.recommenders.sampling import Sampler, unpack
from shared.recommenders.strata import StratifiedSampler


def slow_factorize(histories, settings, seed):
    p, q = (
        settings.init_scale * starts(name, n, settings.n_factors, seed)
        for name, n in zip(("users", "items"), histories.shape, strict=True)
    )
    for samples in epochs(histories, settings, seed):
        for user, item, label in zip(*unpack(samples), strict=True):
            error = label - p[user] @ q[item]
            p_step = error * q[item] - settings.regularization * p[user]
            q_step = error * p[user] - settings.regularization * q[item]
            p[user] = p[user] + settings.learning_rate * p_step
            q[item] = q[item] + settings.learning_rate * q_step
    return p, q


def starts(name, n, n_factors, seed):
    rng = rng_for("start", seed_for("lfm", seed, name), 0)
    return rng.standard_normal((n, n_factors), dtype=np.float32).astype(float)


def epochs(histories, settings, seed):
    """Give the samples of each epoch in an order in which they may be learned one after the other."""
    seeds = [seed_for("lfm", seed, "epoch", epoch) for epoch in range(settings.n_epochs)]
    if settings.n_blocks is None:
        plain = Sampler(histories, n_negatives=1)
        yield from (plain.draw(seed=one) for one in seeds)
        return
    blocks = range(settings.n_blocks)
    sampler = StratifiedSampler(
        histories, n_negatives=1, n_blocks=settings.n_blocks, seed=seed_for("lfm", seed)
    )
    for one in seeds:
        epoch = sampler.draw(seed=one)
        yield np.concatenate([epoch.block_at(stratum, block) for stratum in blocks for block in blocks])


@pytest.mark.parametrize("n_blocks", [None, 3])
def test_training_equals_the_plain_loop(n_blocks):
    histories = random_world()
    settings = LfmSettings(n_factors=7, n_epochs=2, n_blocks=n_blocks)

    found = factorize(histories, settings, seed=4, progress=SILENT)

    for fast, slow in zip(found, slow_factorize(histories, settings, 4), strict=True):
        np.testing.assert_allclose(fast, slow, atol=1e-5)  # float32 against float64 over a thousand steps


@pytest.mark.parametrize("way", [{}, {"n_blocks": 4}, {"hogwild": True}])
def test_the_error_falls(way):
    histories = random_world()
    dense = histories.toarray()

    def error(n_epochs):
        settings = LfmSettings(n_factors=8, n_epochs=n_epochs, learning_rate=0.05, **way)
        p, q = factorize(histories, settings, seed=4, progress=SILENT)
        return ((p @ q.T - dense) ** 2)[dense > 0].mean()

    assert error(60) < error(20) < error(1)


def test_scores_are_dot_products():
    rng = np.random.default_rng(0)
    for n_factors in (1, 3, 8, 10):
        p = rng.standard_normal((30, n_factors), dtype=np.float32)
        q = rng.standard_normal((1100, n_factors), dtype=np.float32)

        found = Lfm(random_world(30, 1100), p, q, LfmSettings()).scores(np.array([3, 1]))

        np.testing.assert_allclose(found, p[[3, 1]] @ q.T, atol=1e-5)  # order of sums in float32
