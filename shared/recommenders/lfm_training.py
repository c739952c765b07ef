"""Training of the latent factor model by stochastic gradient descent, on one thread or many."""

# ruff: noqa: PLR0917 - work for threads takes its arguments by position

from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TypeAlias

import numpy as np

from shared.arrays import Histories, Vectors
from shared.compiled import compiled_fast
from shared.parallel import run_blocks, run_rounds, share
from shared.prefetching import LINE, prefetch
from shared.progress import Progress
from shared.randomness import rng_for, seed_for
from shared.recommenders.base import Hyperparameters, check_trainable
from shared.recommenders.sampling import ITEM_BITS, Sampler, Samples
from shared.recommenders.strata import Epoch, StratifiedSampler

_Rates: TypeAlias = tuple[np.float32, np.float32]  # step size, regularization

_BLOCKS = 8
_BLOCKS_FROM = 50_000  # interactions; fewer are learned from in one block, where threads gain nothing
_AHEAD = 12  # samples whose item is asked for before it is needed: in a large catalogue it is in no cache
_START_BLOCK = 2**14  # vectors drawn from one stream of random numbers
_HOGWILD_BLOCK = 4096  # samples, at least


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
    n_blocks: int | None = field(
        default=None,
        metadata={
            "doc": "blocks of users, and of items, that are learned from side by side; null: 8 from 50,000 "
            "interactions on, else 1, which is plain random order",
            "minimum": 1,
        },
    )
    hogwild: bool = field(
        default=False,
        metadata={"doc": "threads write over each other in random order: no two runs give the same model"},
    )


def factorize(
    histories: Histories, settings: LfmSettings, *, seed: int, progress: Progress
) -> tuple[Vectors, Vectors]:
    """Find vectors whose dot product is 1 where a user interacted, and 0 at sampled items elsewhere.

    Each epoch takes every interaction and fresh negatives in random order, and steps against the gradient of
    (y - p q)^2 / 2 + regularization (|p|^2 + |q|^2) / 2. With more than one block the order is random within
    the constraint that blocks which share no user and no item are gone through at the same time (`strata`):
    same seed, same bytes on any number of threads. Hogwild threads take turns with nobody: no such promise.
    returns  (n_users, n_factors) and (n_items, n_factors) float32; an item that nobody has keeps
             its random start, pushed towards 0 where it was drawn as a negative
    Raises ValueError if there is nothing to train on, a user has every item, or training diverges;
    JobStopped if asked to stop. Source: Zhang et al. 2021, experimental setup (learning rate,
    regularization, epochs, negatives). The start is ours, for the paper does not give it, and matters: a
    small one around 0 leaves the lists personal; uniform in [0, 0.1) predicts better on little data but
    hands nearly everybody the popular list (docs/reproduction.md has the figures).
    """
    check_trainable(histories)
    n_blocks = _n_blocks(histories, settings)
    user_factors, item_factors = (
        _by_blocks(histories, settings, n_blocks=n_blocks, seed=seed, progress=progress)
        if n_blocks > 1
        else _in_random_order(histories, settings, seed=seed, progress=progress)
    )
    if not (np.isfinite(user_factors).all() and np.isfinite(item_factors).all()):
        raise ValueError("training diverged: lower learning_rate or init_scale")
    return user_factors, item_factors


def _n_blocks(histories: Histories, settings: LfmSettings) -> int:
    if settings.hogwild:
        return 1
    if settings.n_blocks is not None:
        return settings.n_blocks
    return _BLOCKS if histories.nnz >= _BLOCKS_FROM else 1


def _in_random_order(
    histories: Histories, settings: LfmSettings, *, seed: int, progress: Progress
) -> tuple[Vectors, Vectors]:
    sampler = Sampler(histories, n_negatives=settings.n_negatives)
    users, items = _starts(histories, settings, seed=seed)
    rates = _rates(settings)
    for epoch in range(settings.n_epochs):
        _tell(progress, epoch, settings)
        samples = sampler.draw(seed=seed_for("lfm", seed, "epoch", epoch))
        size = share(len(samples), least=_HOGWILD_BLOCK) if settings.hogwild else len(samples)
        run_blocks(partial(_descend_part, samples, users, items, rates), len(samples), block=size)
    return users, items


def _by_blocks(
    histories: Histories, settings: LfmSettings, *, n_blocks: int, seed: int, progress: Progress
) -> tuple[Vectors, Vectors]:
    sampler = StratifiedSampler(
        histories, n_negatives=settings.n_negatives, n_blocks=n_blocks, seed=seed_for("lfm", seed)
    )
    users, items = _starts(histories, settings, seed=seed)
    rates = _rates(settings)
    for number in range(settings.n_epochs):
        _tell(progress, number, settings)
        epoch = sampler.draw(seed=seed_for("lfm", seed, "epoch", number))
        run_rounds(partial(_descend_block, epoch, users, items, rates), n_blocks, n_tasks=n_blocks)
    return users, items


def _descend_part(
    samples: Samples, users: Vectors, items: Vectors, rates: _Rates, start: int, stop: int
) -> None:
    descend(samples[start:stop], users, items, *rates)


def _descend_block(
    epoch: Epoch, users: Vectors, items: Vectors, rates: _Rates, stratum: int, block: int
) -> None:
    descend(epoch.block_at(stratum, block), users, items, *rates)


def _tell(progress: Progress, epoch: int, settings: LfmSettings) -> None:
    progress.step(epoch / settings.n_epochs, f"lfm epoch {epoch + 1} of {settings.n_epochs}")


def _rates(settings: LfmSettings) -> _Rates:
    return np.float32(settings.learning_rate), np.float32(settings.regularization)


def _starts(histories: Histories, settings: LfmSettings, *, seed: int) -> tuple[Vectors, Vectors]:
    users, items = (np.empty((n, settings.n_factors), dtype=np.float32) for n in histories.shape)
    for name, rows in (("users", users), ("items", items)):
        run_blocks(
            partial(_draw_start, rows, settings, seed_for("lfm", seed, name)), len(rows), block=_START_BLOCK
        )
    return users, items


def _draw_start(rows: Vectors, settings: LfmSettings, seed: int, start: int, stop: int) -> None:
    rng, block = rng_for("start", seed, start), rows[start:stop]
    draw = rng.random if settings.init is Start.UNIFORM else rng.standard_normal
    draw(dtype=np.float32, out=block)
    block *= np.float32(settings.init_scale)


@compiled_fast
def descend(
    samples: Samples, users: Vectors, items: Vectors, learning_rate: np.float32, regularization: np.float32
) -> None:
    """Take one step a sample, in their order; users and items are changed in place."""
    n_factors = users.shape[1]
    decay = np.float32(1) - learning_rate * regularization
    for n in range(len(samples)):
        sample = samples[n]
        if n + _AHEAD < len(samples):
            row = (samples[n + _AHEAD] >> 1) & ITEM_BITS
            for f in range(0, n_factors, LINE):
                prefetch(items, row, f)
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
