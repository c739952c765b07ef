"""Latent factor model: a vector for each user and each item, trained by stochastic gradient descent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Histories, Rows, Vectors
from shared.compiled import compiled_fast
from shared.progress import Progress
from shared.randomness import rng_for, seed_for
from shared.ranked_lists import RankedLists
from shared.recommenders.base import Algorithm, Hyperparameters, check_trainable, settings_of
from shared.recommenders.sampling import ITEM_BITS, Sampler, Samples
from shared.recommenders.topk import rank_catalogue

_TILE = 512  # items scored at a time: their sums stay in the nearest cache


class Start(StrEnum):
    """How the vectors are drawn before training; the paper does not say."""

    NORMAL = "normal"  # around 0: a user's list is their own from the first epoch
    UNIFORM = "uniform"  # in [0, init_scale): a common direction lets popularity be learned first


@dataclass(frozen=True)
class LfmSettings(Hyperparameters):
    """Settings of the latent factor model; the defaults are the paper's where it gives them."""

    n_factors: int = field(default=100, metadata={"doc": "length of the vectors", "minimum": 1})
    n_epochs: int = field(default=20, metadata={"doc": "passes over the interactions", "minimum": 1})
    learning_rate: float = field(default=0.01, metadata={"doc": "step size", "minimum": 0.0})
    regularization: float = field(
        default=0.01, metadata={"doc": "pull of the squared length of a vector towards 0", "minimum": 0.0}
    )
    n_negatives: int = field(
        default=1, metadata={"doc": "items drawn per interaction from those the user lacks", "minimum": 0}
    )
    init: Start = field(default=Start.NORMAL, metadata={"doc": "how the vectors are drawn before training"})
    init_scale: float = field(
        default=0.1,
        metadata={"doc": "standard deviation (normal) or upper end (uniform) of the start", "minimum": 0.0},
    )


@dataclass(frozen=True)
class Lfm:
    """Scores an item by the dot product of its vector with the user's.

    histories     (n_users, n_items), what it was trained on
    user_factors  (n_users, n_factors) float32
    item_factors  (n_items, n_factors) float32
    """

    histories: Histories
    user_factors: Vectors
    item_factors: Vectors

    @cached_property
    def _item_columns(self) -> Vectors:
        return np.ascontiguousarray(self.item_factors.T)

    def scores(self, user_rows: Rows) -> Vectors:
        """Score the whole catalogue: (len(user_rows), n_items) float32; the same bits in any company."""
        found = np.empty((len(user_rows), len(self.item_factors)), dtype=np.float32)
        _multiply(np.ascontiguousarray(self.user_factors[user_rows]), self._item_columns, found)
        return found

    def recommend(self, user_rows: Rows, *, k: int) -> RankedLists:
        """Rank the catalogue; see `Recommender.recommend`."""
        return rank_catalogue(self.scores, self.histories, user_rows, k=k)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Give the vectors of users and items."""
        return {"user_factors": self.user_factors, "item_factors": self.item_factors}


class LfmKind:
    """What the registry knows of the latent factor model."""

    algorithm: Algorithm = Algorithm.LFM
    hyperparameters: type[Hyperparameters] = LfmSettings

    def train(self, histories: Histories, settings: Hyperparameters, *, seed: int, progress: Progress) -> Lfm:
        """Factorize the histories; see `RecommenderKind.train` and `factorize`."""
        known = settings_of(LfmSettings, settings)
        return Lfm(histories, *factorize(histories, known, seed=seed, progress=progress))

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]], histories: Histories) -> Lfm:
        """Build it again from its vectors."""
        return Lfm(histories, arrays["user_factors"], arrays["item_factors"])


def factorize(
    histories: Histories, settings: LfmSettings, *, seed: int, progress: Progress
) -> tuple[Vectors, Vectors]:
    """Find vectors whose dot product is 1 where a user interacted, and 0 at sampled items elsewhere.

    Each epoch takes every interaction and fresh negatives in random order, and steps against the gradient of
    (y - p q)^2 / 2 + regularization (|p|^2 + |q|^2) / 2.
    returns  (n_users, n_factors) and (n_items, n_factors) float32; an item that nobody has keeps
             its random start, pushed towards 0 where it was drawn as a negative
    Raises ValueError if there is nothing to train on, a user has every item, or training diverges;
    JobStopped if asked to stop. Source: Zhang et al. 2021, experimental setup (learning rate,
    regularization, epochs, negatives). The start is ours, for the paper does not give it, and matters: a
    small one around 0 leaves the lists personal; uniform in [0, 0.1) predicts better on little data but
    hands nearly everybody the popular list (docs/reproduction.md has the figures).
    """
    check_trainable(histories)
    sampler = Sampler(histories, n_negatives=settings.n_negatives)
    rng = rng_for("lfm", seed, "start")
    user_factors, item_factors = (_start((n, settings.n_factors), settings, rng=rng) for n in histories.shape)
    for epoch in range(settings.n_epochs):
        progress.step(epoch / settings.n_epochs, f"lfm epoch {epoch + 1} of {settings.n_epochs}")
        samples = sampler.draw(seed=seed_for("lfm", seed, "epoch", epoch))
        descend(
            samples,
            user_factors,
            item_factors,
            np.float32(settings.learning_rate),
            np.float32(settings.regularization),
        )
    if not (np.isfinite(user_factors).all() and np.isfinite(item_factors).all()):
        raise ValueError("training diverged: lower learning_rate or init_scale")
    return user_factors, item_factors


def _start(shape: tuple[int, int], settings: LfmSettings, *, rng: np.random.Generator) -> Vectors:
    draw = rng.random if settings.init is Start.UNIFORM else rng.standard_normal
    return draw(shape, dtype=np.float32) * np.float32(settings.init_scale)


@compiled_fast
def descend(
    samples: Samples, users: Vectors, items: Vectors, learning_rate: np.float32, regularization: np.float32
) -> None:
    """Take one step a sample, in their order; users and items are changed in place."""
    n_factors = users.shape[1]
    decay = np.float32(1) - learning_rate * regularization
    for sample in samples:
        p = users[sample >> 33]
        q = items[(sample >> 1) & ITEM_BITS]
        product = np.float32(0)
        for f in range(n_factors):
            product += p[f] * q[f]
        step = learning_rate * (np.float32(sample & 1) - product)
        for f in range(n_factors):
            p_f, q_f = p[f], q[f]
            p[f] = decay * p_f + step * q_f
            q[f] = decay * q_f + step * p_f


@compiled_fast
def _multiply(users: Vectors, item_columns: Vectors, scores: Vectors) -> None:
    """Fill scores (n, n_items); not by BLAS, whose rounding depends on how many rows come together."""
    n_factors, n_items = item_columns.shape
    whole = n_factors - n_factors % 4
    for start in range(0, n_items, _TILE):
        stop = min(start + _TILE, n_items)
        for n in range(len(users)):
            p = users[n]
            sums = scores[n, start:stop]
            sums[:] = 0.0
            for f in range(0, whole, 4):
                q0, q1 = item_columns[f, start:stop], item_columns[f + 1, start:stop]
                q2, q3 = item_columns[f + 2, start:stop], item_columns[f + 3, start:stop]
                for j in range(stop - start):
                    sums[j] += p[f] * q0[j] + p[f + 1] * q1[j] + p[f + 2] * q2[j] + p[f + 3] * q3[j]
            for f in range(whole, n_factors):
                q0 = item_columns[f, start:stop]
                for j in range(stop - start):
                    sums[j] += p[f] * q0[j]
