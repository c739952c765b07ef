"""The one protocol of all recommenders, and the registry's view of a kind of recommender."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

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

    def fold_in(self, histories: Histories, *, k: int) -> RankedLists:
        """Rank the catalogue for people whom it was not trained on, own history excluded; it learns nothing.

        histories  (n, n_items), no empty row; each list depends on its own history alone
        returns    lists as of `recommend`
        Raises ValueError if k < 1, a history is empty, or the number of items differs.
        """
        ...

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Give all that is needed to build it again, histories and settings left out."""
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

        Raises ValueError if there is no user, item or interaction, or the settings are another
        algorithm's; JobStopped if asked to stop.
        """
        ...

    def from_arrays(
        self, arrays: Mapping[str, np.ndarray], histories: Histories, settings: Hyperparameters
    ) -> Recommender:
        """Build a trained recommender from `to_arrays`, and the histories and settings it was trained with.

        Raises ValueError if the settings are another algorithm's.
        """
        ...


Settings = TypeVar("Settings", bound=Hyperparameters)


def settings_of(kind: type[Settings], settings: Hyperparameters) -> Settings:
    """Narrow settings to those of one algorithm. Raises ValueError if they are another algorithm's."""
    if not isinstance(settings, kind):
        raise ValueError(f"settings must be {kind.__name__}, found {type(settings).__name__}")
    return settings


def check_foldable(histories: Histories, *, n_items: int) -> None:
    """Raise ValueError unless each history has an item of a catalogue of this size."""
    if histories.shape[1] != n_items:
        raise ValueError(f"histories must have {n_items} items, found {histories.shape[1]}")
    if len(empty := np.flatnonzero(np.diff(histories.indptr) == 0)):
        raise ValueError(f"history {empty[0]} is empty; there is nothing to fold in")


def check_trainable(histories: Histories) -> None:
    """Raise ValueError unless there is a user, an item and an interaction to train on."""
    if 0 in histories.shape or histories.nnz == 0:
        raise ValueError(
            f"training needs at least one user, item and interaction, found shape {histories.shape} "
            f"with {histories.nnz} interactions"
        )
