"""Neural collaborative filtering: NeuMF, a product of vectors and a small network, trained together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Histories, Rows, Vectors
from shared.parallel import run_blocks, share
from shared.progress import Progress
from shared.randomness import rng_for, seed_for
from shared.ranked_lists import RankedLists
from shared.recommenders import ncf_folding, ncf_loops
from shared.recommenders.base import (
    Algorithm,
    Hyperparameters,
    check_foldable,
    check_trainable,
    settings_of,
)
from shared.recommenders.ncf_adam import Adam, Weights, catch_up, momentum_tails, shrinking_powers
from shared.recommenders.ncf_cuda import CUDA, TorchTrainer, check_cuda
from shared.recommenders.ncf_loops import new_tile
from shared.recommenders.sampling import Sampler
from shared.recommenders.topk import rank_catalogue

_USER_BLOCK = 32  # users whom a thread scores at a time, at least
_CHUNK = 2**19  # samples between two looks at `should_stop`, under a second


class Device(StrEnum):
    """Where a network is trained."""

    CPU = "cpu"  # compiled loops: same seed, same bytes
    CUDA = "cuda"  # the same steps, but sums in no fixed order


@dataclass(frozen=True)
class NcfSettings(Hyperparameters):
    """Settings of NeuMF; the defaults are the paper's. The network has 2 n, n, n / 2 features."""

    n_mlp_factors: int = field(
        default=32,
        metadata={
            "doc": "n, length of the network's vectors, a multiple of 8: layers 2n - n - n/2",
            "minimum": 8,
        },
    )
    n_gmf_factors: int = field(default=8, metadata={"doc": "length of the product's vectors", "minimum": 1})
    n_epochs: int = field(default=20, metadata={"doc": "passes over the interactions", "minimum": 1})
    learning_rate: float = field(default=0.001, metadata={"doc": "step size of Adam", "minimum": 0.0})
    n_negatives: int = field(
        default=4, metadata={"doc": "items drawn per interaction from those the user lacks", "minimum": 0}
    )
    batch_size: int = field(default=256, metadata={"doc": "samples in a step", "minimum": 1})
    device: Device = field(
        default=Device.CPU,
        metadata={"doc": "where it is trained; cuda needs an NVIDIA processor and PyTorch, extra [cuda]"},
    )

    def __post_init__(self) -> None:
        if self.n_mlp_factors % 8:
            raise ValueError(f"n_mlp_factors must be a multiple of 8, found {self.n_mlp_factors}")


class _Halves(NamedTuple):
    """What a score needs, with the first layer's two halves worked out for every user and item."""

    user_halves: Vectors
    gmf_users: Vectors
    item_halves: Vectors
    gmf_items: Vectors


@dataclass(frozen=True)
class Ncf:
    """Scores an item by the logit of NeuMF.

    histories  (n_users, n_items), what it was trained on
    weights    see `Weights`
    settings   what it was trained with
    """

    histories: Histories
    weights: Weights
    settings: NcfSettings

    @cached_property
    def _halves(self) -> _Halves:
        w, n = self.weights, len(self.weights.w1)
        return _Halves(
            w.users[:, :n] @ w.w1[:, :n].T + w.b1,
            np.ascontiguousarray(w.users[:, n:]),
            np.ascontiguousarray(w.w1[:, n:] @ w.items[:, :n].T),
            np.ascontiguousarray(w.items[:, n:].T),
        )

    def scores(self, user_rows: Rows) -> Vectors:
        """Score the whole catalogue: (len(user_rows), n_items) float32 logits, the same in any company."""
        halves = self._halves
        return self._scores(halves.user_halves[user_rows], halves.gmf_users[user_rows])

    def _scores(self, user_halves: Vectors, gmf_users: Vectors) -> Vectors:
        halves = self._halves
        found = np.empty((len(user_halves), len(self.weights.items)), dtype=np.float32)

        def score(start: int, stop: int) -> None:
            ncf_loops.score(
                user_halves[start:stop],
                gmf_users[start:stop],
                halves.item_halves,
                halves.gmf_items,
                self.weights,
                new_tile(self.weights),
                found[start:stop],
            )

        run_blocks(score, len(found), block=share(len(found), least=_USER_BLOCK))
        return found

    def recommend(self, user_rows: Rows, *, k: int) -> RankedLists:
        """Rank the catalogue; see `Recommender.recommend`."""
        return rank_catalogue(self.scores, self.histories, user_rows, k=k)

    @cached_property
    def _item_rows(self) -> Vectors:
        return np.ascontiguousarray(self._halves.item_halves.T)

    def fold_in(self, histories: Histories, *, k: int) -> RankedLists:
        """Rank by vectors trained on the histories; see `Recommender.fold_in` and `ncf_folding.fold_in`."""
        check_foldable(histories, n_items=self.histories.shape[1])
        n, item_rows = len(self.weights.w1), self._item_rows
        vectors = np.empty((histories.shape[0], self.weights.users.shape[1]), dtype=np.float32)

        def fold(start: int, stop: int) -> None:
            vectors[start:stop] = ncf_folding.fold_in(
                histories[start:stop],
                self.weights,
                item_rows,
                new_tile(self.weights),
                n_negatives=self.settings.n_negatives,
            )

        run_blocks(fold, len(vectors), block=share(len(vectors), least=_USER_BLOCK))
        user_halves = ncf_folding.first_layers(self.weights, vectors)
        return rank_catalogue(
            lambda block: self._scores(user_halves[block], np.ascontiguousarray(vectors[block, n:])),
            histories,
            np.arange(len(vectors)),
            k=k,
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Give the weights by name."""
        return self.weights._asdict()


class NcfKind:
    """What the registry knows of NeuMF."""

    algorithm: Algorithm = Algorithm.NCF
    hyperparameters: type[Hyperparameters] = NcfSettings

    def train(self, histories: Histories, settings: Hyperparameters, *, seed: int, progress: Progress) -> Ncf:
        """Train by Adam on binary cross entropy with sampled negatives, fresh in each epoch.

        Adam moves every vector in every step, as PyTorch's does, not only those in the batch: the same start
        and samples give the same network up to rounding.
        Raises as `RecommenderKind.train`, and ValueError if a user has every item, training diverges, or the
        device is not there.
        Source: He et al. 2017, section 3.4, without pretraining; Zhang et al. 2021, experimental setup.
        """
        known = settings_of(NcfSettings, settings)
        check_trainable(histories)
        sampler = Sampler(histories, n_negatives=known.n_negatives)
        trainer = _trainer(histories, known, n_samples=sampler.n_samples, seed=seed)
        for epoch in range(known.n_epochs):
            note = f"ncf epoch {epoch + 1} of {known.n_epochs}"
            progress.step(epoch / known.n_epochs, note)
            samples = sampler.draw(seed=seed_for("ncf", seed, "epoch", epoch))
            chunk = max(_CHUNK // known.batch_size, 1) * known.batch_size
            for start in range(0, len(samples), chunk):
                progress.step((epoch + start / len(samples)) / known.n_epochs, note)
                trainer.step(samples[start : start + chunk])
        weights = trainer.finish()
        if not all(np.isfinite(array).all() for array in weights):
            raise ValueError("training diverged: lower learning_rate")
        return Ncf(histories, weights, known)

    def from_arrays(
        self, arrays: Mapping[str, NDArray[Any]], histories: Histories, settings: Hyperparameters
    ) -> Ncf:
        """Build it again from its weights."""
        return Ncf(histories, Weights(**arrays), settings_of(NcfSettings, settings))


def _trainer(
    histories: Histories, settings: NcfSettings, *, n_samples: int, seed: int
) -> "Trainer | TorchTrainer":
    if settings.device is Device.CUDA:
        check_cuda()
    weights = initial_weights(histories.shape, settings, seed=seed)
    if settings.device is Device.CUDA:
        rate = settings.learning_rate
        return TorchTrainer(weights, batch_size=settings.batch_size, learning_rate=rate, device=CUDA)
    n_steps = settings.n_epochs * -(-n_samples // settings.batch_size)
    return Trainer(weights, settings, n_steps=n_steps)


class Trainer:
    """Weights, the state of Adam, and the memory that steps work in, for a known number of steps.

    `weights` given are taken over and changed in place; they are whole after `finish` alone.
    """

    def __init__(self, weights: Weights, settings: NcfSettings, *, n_steps: int) -> None:
        self.weights = weights
        self._settings = settings
        self._n_steps = 0
        (n_users, n_factors), n_items = weights.users.shape, len(weights.items)
        batch_users, batch_items = np.zeros((2, settings.batch_size, n_factors), dtype=np.float32)
        self._adam = Adam(
            first=_zeros_like(weights),
            second=_zeros_like(weights),
            gradients=_zeros_like(weights)._replace(users=batch_users, items=batch_items),
            user_places=np.full(n_users, -1, dtype=np.int64),
            item_places=np.full(n_items, -1, dtype=np.int64),
            user_steps=np.zeros(n_users, dtype=np.int64),
            item_steps=np.zeros(n_items, dtype=np.int64),
            tails=momentum_tails(n_steps),
            powers=shrinking_powers(n_steps),
        )
        self._tile = new_tile(weights)

    @property
    def moments(self) -> Weights:
        """Adam's first moments: a tenth of the gradients after the first step."""
        return self._adam.first

    def step(self, samples: NDArray[np.int64]) -> None:
        """Take one step a batch of samples, see `Sampler`; the last batch is as short as need be."""
        size = self._settings.batch_size
        ncf_loops.train(
            samples,
            size,
            self._settings.learning_rate,
            self._n_steps,
            self.weights,
            self._adam,
            self._tile,
        )
        self._n_steps += -(-len(samples) // size)

    def finish(self) -> Weights:
        """Bring every vector up to the last step, and give the weights."""
        users, items = (np.arange(len(rows)) for rows in (self.weights.users, self.weights.items))
        rate = self._settings.learning_rate
        catch_up(users, items, self._n_steps, rate, self.weights, self._adam)
        return self.weights


def initial_weights(shape: tuple[int, int], settings: NcfSettings, *, seed: int) -> Weights:
    """Draw the start: vectors normal with deviation 0.01, layers uniform by Glorot's rule, biases zero.

    shape  (n_users, n_items)
    Source: Glorot and Bengio 2010, equation 16; the paper does not give its start.
    """
    rng = rng_for("ncf", seed, "start")
    n, n_gmf = settings.n_mlp_factors, settings.n_gmf_factors
    users, items = (
        rng.standard_normal((rows, n + n_gmf), dtype=np.float32) * np.float32(0.01) for rows in shape
    )
    return Weights(
        users,
        items,
        w1=_glorot(rng, n, 2 * n),
        b1=np.zeros(n, dtype=np.float32),
        w2=_glorot(rng, n // 2, n),
        b2=np.zeros(n // 2, dtype=np.float32),
        w3=_glorot(rng, 1, n_gmf + n // 2)[0],
        b3=np.zeros(1, dtype=np.float32),
    )


def _glorot(rng: np.random.Generator, n_out: int, n_in: int) -> Vectors:
    bound = np.sqrt(6.0 / (n_in + n_out))
    return rng.uniform(-bound, bound, size=(n_out, n_in)).astype(np.float32)


def _zeros_like(weights: Weights) -> Weights:
    return Weights(*(np.zeros_like(array) for array in weights))
