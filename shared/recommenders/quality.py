"""How good a recommender is: HR@k, one interaction of each member held out, the whole catalogue ranked."""

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

import numpy as np

from shared.arrays import Histories, Rows
from shared.interactions import binary_matrix
from shared.progress import Progress
from shared.randomness import rng_for, seed_for
from shared.ranked_lists import RankedLists
from shared.recommenders.base import Algorithm, Hyperparameters
from shared.recommenders.popularity import PopularitySettings
from shared.recommenders.registry import KINDS
from shared.recommenders.topk import users_at_once

_Z = 1.959963984540054  # 97.5th percentile of the normal distribution


class HoldOut(StrEnum):
    """What is held out of a user's history to see whether it is found again."""

    ONE = "one"  # one interaction, drawn at random
    FIFTH = "fifth"  # a fifth of the interactions, at least one; finding any of them is a hit


@dataclass(frozen=True)
class HitRate:
    """The share of users whose held-out item is among their k.

    value      in [0, 1]
    n_users    how many users were counted: those with at least two interactions
    low, high  95 % interval by Wilson's score method, over the draw of users
    """

    value: float
    n_users: int
    low: float
    high: float


@dataclass(frozen=True)
class Quality:
    """A model's hit rate, and that of the popularity ranking for the same users and held-out items."""

    model: HitRate
    popularity: HitRate


def measure_quality(
    histories: Histories,
    *,
    algorithm: Algorithm,
    settings: Hyperparameters,
    k: int,
    seed: int,
    progress: Progress,
) -> Quality:
    """Measure a model and, as baseline, popularity; parameters and errors as in `hit_rate`."""
    model = hit_rate(
        histories, algorithm=algorithm, settings=settings, k=k, seed=seed, progress=progress.part(0.0, 0.95)
    )
    popularity = hit_rate(
        histories,
        algorithm=Algorithm.POPULARITY,
        settings=PopularitySettings(),
        k=k,
        seed=seed,
        progress=progress.part(0.95, 1.0),
    )
    return Quality(model, popularity)


def hit_rate(
    histories: Histories,
    *,
    algorithm: Algorithm,
    settings: Hyperparameters,
    k: int,
    seed: int,
    progress: Progress,
    hold_out: HoldOut = HoldOut.ONE,
) -> HitRate:
    """Measure HR@k by the full ranking.

    Of every user with at least two interactions one, or a fifth, drawn at random, is held out; the model is
    trained on all the rest; a hit is a user with a held-out item among the k best of the whole catalogue, the
    remaining history left out. Users with fewer interactions are trained on whole and not counted. The same
    seed holds out the same items for every algorithm.
    histories  (n_users, n_items), members only
    Raises ValueError if k < 1 or no user has two interactions; JobStopped if asked to stop.
    Source: full ranking instead of the sampled candidates of He et al. 2017, whose hit rate depends on how
    many candidates are drawn (Krichene and Rendle 2020). Zhang et al. 2021 do not define their HR@100; a
    fifth held out comes closest to their figures for ml-1m.
    """
    users, items = held_out(histories, seed=seed, hold_out=hold_out)
    model = KINDS[algorithm].train(
        without(histories, users, items),
        settings,
        seed=seed_for("hit rate", seed),
        progress=progress.part(0.0, 0.9),
    )
    counted = np.unique(users)
    n_hits = 0
    chunk = users_at_once(histories.shape[1])
    for start in range(0, len(counted), chunk):
        progress.step(0.9 + 0.1 * start / len(counted), "looking for held-out items")
        asked = counted[start : start + chunk]
        first, last = np.searchsorted(users, [asked[0], asked[-1] + 1])
        lists = model.recommend(asked, k=k)
        n_hits += _hits(lists, np.searchsorted(asked, users[first:last]), items[first:last])
    return wilson(n_hits, len(counted))


def held_out(histories: Histories, *, seed: int, hold_out: HoldOut = HoldOut.ONE) -> tuple[Rows, Rows]:
    """Draw what is held out of every user with at least two interactions.

    returns  user rows, ascending, and item rows, one pair for each interaction held out
    A draw does not depend on who else is there. Raises ValueError if nobody has two interactions.
    """
    lengths = np.diff(histories.indptr)
    if not (lengths >= 2).any():
        raise ValueError("a hit rate needs a user with at least two interactions, found none")
    rng = rng_for("held out", seed)
    if hold_out is HoldOut.ONE:
        users = np.flatnonzero(lengths >= 2).astype(np.int64)
        # A number for everybody, so that a user's draw does not depend on who else is counted.
        places = (rng.random(len(lengths)) * lengths).astype(np.int64)[users]
        return users, histories.indices[histories.indptr[users] + places].astype(np.int64)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((rng.random(len(rows)), rows))  # within each user, in random order
    rank = np.arange(len(rows)) - histories.indptr[rows]
    is_out = (rank < np.maximum(lengths // 5, 1)[rows]) & (lengths >= 2)[rows]
    return rows[is_out].astype(np.int64), histories.indices[order[is_out]].astype(np.int64)


def without(histories: Histories, user_rows: Rows, item_rows: Rows) -> Histories:
    """Copy histories, leaving out the pairs (user_rows[n], item_rows[n])."""
    rows = np.repeat(np.arange(histories.shape[0]), np.diff(histories.indptr))
    columns = histories.indices.astype(np.int64)
    n_items = histories.shape[1]
    is_kept = ~np.isin(rows * n_items + columns, user_rows * n_items + item_rows)
    return binary_matrix(rows[is_kept], columns[is_kept], histories.shape)


def wilson(n_hits: int, n_users: int) -> HitRate:
    """Give a share its 95 % interval. Source: Wilson 1927."""
    share, squared = n_hits / n_users, _Z * _Z
    center = (share + squared / (2 * n_users)) / (1 + squared / n_users)
    half = _Z * sqrt(share * (1 - share) / n_users + squared / (4 * n_users**2)) / (1 + squared / n_users)
    return HitRate(value=share, n_users=n_users, low=max(0.0, center - half), high=min(1.0, center + half))


def _hits(lists: RankedLists, list_rows: Rows, items: Rows) -> int:
    """Count the lists that hold at least one of their items."""
    is_found = (lists.items[list_rows] == items[:, None]).any(axis=1)
    return len(np.unique(list_rows[is_found]))
