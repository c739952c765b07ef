"""Our side of the attack's heavy parts: features of many users, intervals of the AUC."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse

from lab.bench.clock import Clock
from services.attacker.attack import metrics
from services.attacker.attack.features import difference_features, linear_weights
from shared.arrays import Bools, Scores, Vectors
from shared.ranked_lists import RankedLists


def user_features(options: Mapping[str, Any]) -> None:
    """Describe users by the paper's difference; options users, items, history, k, length, seed."""
    compile_features()
    histories, lists, vectors = features_world(options)
    ranked = RankedLists.full(lists)
    clock = Clock()
    with clock.part("features"):
        found = difference_features(histories, ranked, vectors, weigh=linear_weights)
    n_read = histories.nnz + lists.size  # vectors
    clock.tell(
        units=len(found),
        figures={"checksum": float(np.abs(found).mean())},
        flops=2 * n_read * vectors.shape[1],
        moved_bytes=4 * (n_read + found.size),  # if the vectors stay in a cache
        packages=("scipy",),
    )


def auc_interval(options: Mapping[str, Any]) -> None:
    """AUC with its interval; options users, seed."""
    scores, is_member = scores_world(options)
    clock = Clock()
    with clock.part("interval"):
        ranks = metrics.placements(scores, is_member)
        low, high = metrics.auc_interval(ranks)
    clock.tell(units=1, figures={"AUC": ranks.auc, "low": low, "high": high}, packages=("scipy",))


def shuffled_labels(options: Mapping[str, Any]) -> None:
    """AUCs under shuffled labels; options users, shuffles, seed."""
    scores, is_member = scores_world(options)
    clock = Clock()
    with clock.part("shuffles"):
        found = metrics.shuffled_aucs(
            scores, is_member, n_shuffles=options["shuffles"], rng=np.random.default_rng(options["seed"])
        )
    clock.tell(units=options["shuffles"], figures={"mean AUC": found.mean}, packages=("numpy",))


def compile_features() -> None:
    """Compile the loop of the features, so that it is not measured."""
    toy = sparse.csr_array(np.ones((1, 1), dtype=np.float32))
    lists = RankedLists.full(np.zeros((1, 1), dtype=np.int32))
    difference_features(toy, lists, np.ones((1, 1), dtype=np.float32), weigh=linear_weights)


def features_world(
    options: Mapping[str, Any],
) -> tuple["sparse.csr_array[np.float32]", "np.ndarray[tuple[int, int], np.dtype[np.int32]]", Vectors]:
    """Draw histories, lists and item vectors: only their sizes matter."""
    n_users, n_items, history, k = (options[name] for name in ("users", "items", "history", "k"))
    rng = np.random.default_rng(options["seed"])
    starts = np.arange(n_users + 1) * history
    firsts = rng.integers(n_items, size=(n_users, 1), dtype=np.int32)
    stride = max(n_items // (history + 1), 1)
    items = (firsts + np.arange(history, dtype=np.int32) * stride) % n_items
    items.sort(axis=1)
    ones = np.ones(n_users * history, dtype=np.float32)
    histories = sparse.csr_array((ones, items.ravel(), starts.astype(np.int32)), shape=(n_users, n_items))
    lists = (
        rng.integers(n_items, size=(n_users, 1), dtype=np.int32) + np.arange(k, dtype=np.int32) * 7
    ) % n_items
    vectors = rng.standard_normal((n_items, options["length"]), dtype=np.float32)
    return histories, lists, vectors


def scores_world(options: Mapping[str, Any]) -> tuple[Scores, Bools]:
    """Draw scores of which members' are a little larger."""
    rng = np.random.default_rng(options["seed"])
    is_member = np.arange(options["users"]) % 2 == 0
    return rng.standard_normal(options["users"]) + 0.5 * is_member, is_member
