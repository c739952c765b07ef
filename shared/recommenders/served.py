"""What a deployment hands out: members get the model's lists, everybody else the cold start."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from shared.arrays import Bools, Histories, Rows, check_shape
from shared.progress import Progress
from shared.ranked_lists import RankedLists
from shared.recommenders.base import Algorithm, Hyperparameters, Recommender
from shared.recommenders.popularity import Popularity
from shared.recommenders.registry import KINDS
from shared.recommenders.topk import check_k, empty_lists, rank_catalogue, users_at_once


class ColdStart(StrEnum):
    """What somebody gets whom the model was not trained on."""

    POPULAR = "popular"  # the most popular items, the same list for all
    POPULAR_UNSEEN = "popular_unseen"  # ... without the user's own history
    FOLD_IN = "fold_in"  # what the model makes of their history; the popular list where there is none
    EMPTY = "empty"  # a list without an item
    NOT_FOUND = "not_found"  # no list: the service answers that it does not know the user


@dataclass(frozen=True)
class ServedLists:
    """The answers that a deployment gives to all users of its world.

    lists      one list per user; empty where absent
    is_absent  (n_users,) bool, True = answered with "not found"
    Raises ValueError if shapes do not fit.
    """

    lists: RankedLists
    is_absent: Bools

    def __post_init__(self) -> None:
        check_shape("is_absent", self.is_absent, (self.lists.n_users,))


def train_and_serve(
    histories: Histories,
    is_member: Bools,
    *,
    algorithm: Algorithm,
    settings: Hyperparameters,
    k: int,
    cold_start: ColdStart,
    seed: int,
    progress: Progress,
) -> tuple[Recommender, ServedLists]:
    """Train on the members and answer everybody; targets and shadows are both made here.

    histories  (n_users, n_items), members and others
    is_member  (n_users,) bool, True = trained on
    returns    the model over `histories[is_member]`, and the answers in the order of `histories`
    Raises ValueError if shapes do not fit, k < 1 or nobody is a member; JobStopped if asked to stop.
    """
    check_shape("is_member", is_member, (histories.shape[0],))
    model = KINDS[algorithm].train(
        histories[np.flatnonzero(is_member)], settings, seed=seed, progress=progress.part(0.0, 0.9)
    )
    served = serve(model, histories, is_member, k=k, cold_start=cold_start, progress=progress.part(0.9, 1.0))
    return model, served


def serve(
    model: Recommender,
    histories: Histories,
    is_member: Bools,
    *,
    k: int,
    cold_start: ColdStart,
    progress: Progress,
) -> ServedLists:
    """Answer all users: members from the model, own history excluded, the others by the cold start.

    model      trained on `histories[is_member]`, in that order
    histories  (n_users, n_items), members and others
    is_member  (n_users,) bool
    returns    answers in the order of `histories`
    Raises ValueError if k < 1 or the model was trained on other users; JobStopped if asked to stop.
    """
    check_shape("is_member", is_member, (histories.shape[0],))
    member_rows, other_rows = np.flatnonzero(is_member), np.flatnonzero(~is_member)
    expected = (len(member_rows), histories.shape[1])
    if model.histories.shape != expected:
        raise ValueError(f"the model must be trained on {expected}, found {model.histories.shape}")
    lists = empty_lists(len(is_member), check_k(k))
    chunk = users_at_once(histories.shape[1])
    for start in range(0, len(member_rows), chunk):
        progress.step(start / len(member_rows), "ranking for members")
        rows = np.arange(start, min(start + chunk, len(member_rows)))
        _put(lists, member_rows[rows], model.recommend(rows, k=k))
    progress.step(1.0, "ranking for everybody else")
    _put(lists, other_rows, _cold_lists(model.histories, histories, other_rows, k=k, cold_start=cold_start))
    if cold_start is ColdStart.FOLD_IN:
        _fold_in(model, histories, other_rows, lists, progress=progress)
    is_absent = ~is_member if cold_start is ColdStart.NOT_FOUND else np.zeros(len(is_member), dtype=bool)
    return ServedLists(RankedLists(items=lists.items, lengths=lists.lengths), is_absent)


def popular_list(histories_members: Histories, k: int) -> Rows:
    """Give the most popular items: (min(k, n_items),) int64, best first, ties to the smaller row.

    Raises ValueError if k < 1.
    """
    counts = Popularity(histories_members).counts
    order: Rows = np.argsort(-counts, kind="stable")[: check_k(k)].astype(np.int64)
    return order


def _cold_lists(
    histories_members: Histories, histories: Histories, rows: Rows, *, k: int, cold_start: ColdStart
) -> RankedLists:
    if cold_start is ColdStart.POPULAR_UNSEEN:
        counts = Popularity(histories_members).counts.astype(np.float32)
        return rank_catalogue(lambda block: np.tile(counts, (len(block), 1)), histories, rows, k=k)
    lists = empty_lists(len(rows), k)
    if cold_start in {ColdStart.POPULAR, ColdStart.FOLD_IN}:
        popular = popular_list(histories_members, k)
        lists.items[:, : len(popular)] = popular
        lists.lengths[:] = len(popular)
    return RankedLists(items=lists.items, lengths=lists.lengths)


def _fold_in(
    model: Recommender, histories: Histories, rows: Rows, lists: RankedLists, *, progress: Progress
) -> None:
    """Put lists of their own where there is a history."""
    chunk = users_at_once(histories.shape[1])
    with_history = rows[np.diff(histories.indptr)[rows] > 0]
    for start in range(0, len(with_history), chunk):
        progress.step(1.0, "folding in everybody else")
        block = with_history[start : start + chunk]
        _put(lists, block, model.fold_in(histories[block], k=lists.items.shape[1]))


def _put(lists: RankedLists, rows: Rows, found: RankedLists) -> None:
    lists.items[rows] = found.items
    lists.lengths[rows] = found.lengths
