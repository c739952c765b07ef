"""Popularity: the items that most users have, the same ranking for everybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Histories, Rows, Vectors
from shared.progress import Progress
from shared.ranked_lists import RankedLists
from shared.recommenders.base import (
    Algorithm,
    Hyperparameters,
    check_foldable,
    check_trainable,
    settings_of,
)
from shared.recommenders.topk import rank_catalogue


@dataclass(frozen=True)
class PopularitySettings(Hyperparameters):
    """Popularity has nothing to set."""


@dataclass(frozen=True)
class Popularity:
    """Scores an item by the number of training users who have it.

    histories  (n_users, n_items), what it was trained on
    """

    histories: Histories

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """(n_items,) int64: users per item."""
        return np.bincount(self.histories.indices, minlength=self.histories.shape[1]).astype(np.int64)

    def scores(self, user_rows: Rows) -> Vectors:
        """Score by popularity: every row (n_items,) float32 is the same; exact below 2**24 users."""
        return np.tile(self.counts.astype(np.float32), (len(user_rows), 1))

    def recommend(self, user_rows: Rows, *, k: int) -> RankedLists:
        """Rank by popularity what the user does not have; see `Recommender.recommend`."""
        return rank_catalogue(self.scores, self.histories, user_rows, k=k)

    def fold_in(self, histories: Histories, *, k: int) -> RankedLists:
        """Rank by popularity what is not in the history; see `Recommender.fold_in`."""
        check_foldable(histories, n_items=self.histories.shape[1])
        return rank_catalogue(self.scores, histories, np.arange(histories.shape[0]), k=k)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Give nothing: the counts follow from the histories."""
        return {}


class PopularityKind:
    """What the registry knows of popularity."""

    algorithm: Algorithm = Algorithm.POPULARITY
    hyperparameters: type[Hyperparameters] = PopularitySettings

    def train(
        self,
        histories: Histories,
        settings: Hyperparameters,
        *,
        seed: int,  # noqa: ARG002 - nothing is drawn
        progress: Progress,
    ) -> Popularity:
        """Count users per item; see `RecommenderKind.train`."""
        settings_of(PopularitySettings, settings)
        check_trainable(histories)
        progress.step(0.0, "counting users per item")
        return Popularity(histories)

    def from_arrays(
        self,
        arrays: Mapping[str, NDArray[Any]],  # noqa: ARG002
        histories: Histories,
        settings: Hyperparameters,
    ) -> Popularity:
        """Build it again from its histories."""
        settings_of(PopularitySettings, settings)
        return Popularity(histories)
