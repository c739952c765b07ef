"""The one protocol of all recommenders, and the registry's view of a kind of recommender."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Histories, Rows, Vectors
from shared.progress import Progress
from shared.ranked_lists import RankedLists


class Algorithm(StrEnum):
    """The recommenders of the paper, by the names used in specs and on the command line."""

    ITEM = "item"
    LFM = "lfm"
    NCF = "ncf"
    POPULARITY = "popularity"


class Recommender(Protocol):
    """A trained recommender over the users it was trained on.

    Row u of the training histories is user_row u here; column j is item_row j.
    """

    @property
    def histories(self) -> Histories:
        """(n_users, n_items): what it was trained on; these items are never recommended to their user."""
        ...

    def scores(self, user_rows: Rows) -> Vectors:
        """Score the whole catalogue for some users.

        returns  (len(user_rows), n_items) float32; larger = more recommended; own history not excluded
        """
        ...

    def recommend(self, user_rows: Rows, *, k: int) -> RankedLists:
        """Rank the whole catalogue for some users, own history excluded.

        returns  lists of min(k, items not in the user's history); ties go to the smaller item row
        Raises ValueError if k < 1.
        """
        ...

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Give all that is needed to build it again, histories left out."""
        ...


@dataclass(frozen=True)
class Hyperparameters:
    """The base of each algorithm's frozen, documented settings."""


class RecommenderKind(Protocol):
    """What the registry knows of one algorithm: its settings, how to train it, how to build it again."""

    algorithm: Algorithm
    hyperparameters: type[Hyperparameters]

    def train(
        self, histories: Histories, settings: Hyperparameters, *, seed: int, progress: Progress
    ) -> Recommender:
        """Train on members' histories; same seed, same bytes on CPU.

        Raises ValueError if there is no user or no item; JobStopped if asked to stop.
        """
        ...

    def from_arrays(self, arrays: Mapping[str, np.ndarray], histories: Histories) -> Recommender:
        """Build a trained recommender from `to_arrays` and the histories that it was trained on."""
        ...
