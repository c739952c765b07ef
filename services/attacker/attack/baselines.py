"""Attacks that need no shadow recommender: what any figure of a learned attack must be held against."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from shared.arrays import Bools, Histories, Scores, Vectors
from shared.ranked_lists import RankedLists


@dataclass(frozen=True)
class AnsweredUsers:
    """Users, their histories and what a recommender answered; who is a member is not in here.

    histories  (n_users, n_items) csr
    lists      one list per user
    is_absent  (n_users,) bool: the answer was "not found"
    """

    histories: Histories
    lists: RankedLists
    is_absent: Bools

    def __post_init__(self) -> None:
        if not self.histories.shape[0] == self.lists.n_users == len(self.is_absent):
            raise ValueError(
                f"histories, lists and is_absent must be of the same users, found {self.histories.shape[0]}, "
                f"{self.lists.n_users} and {len(self.is_absent)}"
            )

    def take(self, rows: NDArray[np.integer]) -> "AnsweredUsers":
        """Keep some users, in the order asked for."""
        return AnsweredUsers(self.histories[rows], self.lists.take(rows), self.is_absent[rows])


def random_guess(users: AnsweredUsers, *, rng: np.random.Generator) -> Scores:
    """Score by chance: (n_users,) in [0, 1)."""
    return rng.random(len(users.is_absent))


def list_form(users: AnsweredUsers) -> Scores:
    """Score by the form of the answer alone: its length, and -1 for "not found"."""
    return np.where(users.is_absent, -1.0, users.lists.lengths)


def identical_lists(users: AnsweredUsers) -> Scores:
    """Score by how few users got exactly the same list: minus their number, the user included.

    Needs neither histories nor any knowledge of items. An empty list is a list like any other.
    """
    rows = np.ascontiguousarray(users.lists.items)
    keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    scores: Scores = -counts[place].astype(np.float64)
    return scores


def popular_overlap(users: AnsweredUsers, item_counts: NDArray[np.integer]) -> Scores:
    """Score by how little of the list is popular: minus the share of it within the k most popular items.

    item_counts  (n_items,) users per item in data that the attacker has; ties to the smaller item row
    returns      (n_users,) in [-1, 0]; 0 for an empty list
    """
    k = users.lists.k
    head = np.argsort(-item_counts, kind="stable")[:k]
    is_popular = np.zeros(len(item_counts) + 1, dtype=np.bool_)  # the last place stands for NO_ITEM
    is_popular[head] = True
    hits = is_popular[users.lists.items].sum(axis=1)
    scores: Scores = -hits / np.maximum(users.lists.lengths, 1)
    return scores


def history_features(
    histories: Histories, item_vectors: Vectors, item_counts: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Describe users by their history alone, no query asked: center, log length, mean log popularity."""
    lengths = np.maximum(np.diff(histories.indptr), 1).astype(np.float64)
    centers = (histories @ item_vectors) / lengths[:, None]
    popularity = (histories @ np.log1p(item_counts)) / lengths
    return np.column_stack([centers, np.log(lengths), popularity]).astype(np.float64)


def logistic_scores(
    shadow: NDArray[np.float64], is_shadow_member: Bools, judged: NDArray[np.float64], *, ridge: float = 1.0
) -> tuple[Scores, Scores]:
    """Fit a logistic regression on shadow users and score both worlds with it.

    shadow   (n_shadow, d) features and their labels; judged (n_judged, d)
    returns  scores of the shadow users and of the judged, larger = member
    The features are scaled by the shadow's mean and deviation; `ridge` is the L2 penalty on unit scale.
    """
    shift, scale = shadow.mean(axis=0), shadow.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    x = np.column_stack([(shadow - shift) / scale, np.ones(len(shadow))])
    sign = np.where(is_shadow_member, 1.0, -1.0)

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (x @ w)
        pull = -sign / (1 + np.exp(np.clip(margin, -500, 500)))
        penalty = np.append(w[:-1], 0.0)
        return float(
            np.logaddexp(0, -margin).sum() + ridge / 2 * penalty @ penalty
        ), x.T @ pull + ridge * penalty

    w = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x
    judged_x = np.column_stack([(judged - shift) / scale, np.ones(len(judged))])
    return x @ w, judged_x @ w
