"""Latent factor model: a vector for each user and each item, trained by stochastic gradient descent."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Histories, Rows, Vectors
from shared.compiled import compiled_fast
from shared.parallel import run_blocks, share
from shared.progress import Progress
from shared.ranked_lists import RankedLists
from shared.recommenders import lfm_folding
from shared.recommenders.base import (
    Algorithm,
    Hyperparameters,
    check_foldable,
    settings_of,
)
from shared.recommenders.lfm_training import LfmSettings, factorize
from shared.recommenders.topk import rank_catalogue

_USER_BLOCK = 32  # users whom a thread scores at a time, at least
_TILE = 512  # items scored at a time: their sums stay in the nearest cache


@dataclass(frozen=True)
class Lfm:
    """Scores an item by the dot product of its vector with the user's.

    histories     (n_users, n_items), what it was trained on
    user_factors  (n_users, n_factors) float32
    item_factors  (n_items, n_factors) float32
    settings      what it was trained with
    """

    histories: Histories
    user_factors: Vectors
    item_factors: Vectors
    settings: LfmSettings

    @cached_property
    def _item_columns(self) -> Vectors:
        return np.ascontiguousarray(self.item_factors.T)

    @cached_property
    def _gram(self) -> NDArray[np.float64]:
        return lfm_folding.gram_matrix(self.item_factors)

    def scores(self, user_rows: Rows) -> Vectors:
        """Score the whole catalogue: (len(user_rows), n_items) float32; the same bits in any company."""
        return self._scores(self.user_factors[user_rows])

    def _scores(self, vectors: Vectors) -> Vectors:
        found = np.empty((len(vectors), len(self.item_factors)), dtype=np.float32)
        users, columns = np.ascontiguousarray(vectors), self._item_columns

        def multiply(start: int, stop: int) -> None:
            _multiply(users[start:stop], columns, found[start:stop])

        run_blocks(multiply, len(users), block=share(len(users), least=_USER_BLOCK))
        return found

    def recommend(self, user_rows: Rows, *, k: int) -> RankedLists:
        """Rank the catalogue; see `Recommender.recommend`."""
        return rank_catalogue(self.scores, self.histories, user_rows, k=k)

    def fold_in(self, histories: Histories, *, k: int) -> RankedLists:
        """Rank by the vectors that fit best, see `Recommender.fold_in` and `lfm_folding.fold_in`."""
        check_foldable(histories, n_items=self.histories.shape[1])
        vectors = lfm_folding.fold_in(
            histories,
            self.item_factors,
            self._gram,
            n_negatives=self.settings.n_negatives,
            regularization=self.settings.regularization,
        )
        rows = np.arange(len(vectors))
        return rank_catalogue(lambda block: self._scores(vectors[block]), histories, rows, k=k)

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
        return Lfm(histories, *factorize(histories, known, seed=seed, progress=progress), known)

    def from_arrays(
        self, arrays: Mapping[str, NDArray[Any]], histories: Histories, settings: Hyperparameters
    ) -> Lfm:
        """Build it again from its vectors."""
        known = settings_of(LfmSettings, settings)
        return Lfm(histories, arrays["user_factors"], arrays["item_factors"], known)


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
