"""The paper's user feature: how far a user's list lies from the user's history."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Histories, Rows, Vectors, check_shape
from shared.compiled import compiled
from shared.parallel import run_blocks
from shared.prefetching import LINE, prefetch
from shared.ranked_lists import RankedLists

BLOCK = 4096  # users at a time and thread
_AHEAD = 8  # vectors: 3 kB on their way, as much as a core keeps track of

Items = NDArray[np.int32]
Weights = NDArray[np.float32]  # (k,), first place first


def linear_weights(k: int) -> Weights:
    """Weight place r of k by (k - r + 1) / (k(k+1)/2); sums to 1. Source: Zhang et al. 2021, section 3."""
    places = np.arange(1, k + 1)
    return ((k - places + 1) / (k * (k + 1) / 2)).astype(np.float32)


def uniform_weights(k: int) -> Weights:
    """Weight every place alike, 1/k, as the scripts published with later work do."""
    return np.full(k, 1 / k, dtype=np.float32)


def exponential_weights(k: int) -> Weights:
    """Weight place r of k by exp(-5 (r - 1) / k), scaled to sum 1: the top counts most, at any k alike.

    Source: ours; the published code computes exponential weights and leaves them unused.
    """
    raw = np.exp(-5 * np.arange(k) / k)
    weights: Weights = (raw / raw.sum()).astype(np.float32)
    return weights


def difference_features(
    histories: Histories,
    lists: RankedLists,
    item_vectors: Vectors,
    *,
    weigh: Callable[[int], Weights],
) -> Vectors:
    """Describe each user by the centre of their history minus the weighted centre of their list.

    histories     (n_users, n_items) csr
    lists         n_users lists of items of the same catalogue
    item_vectors  (n_items, l) float32; unknown items are zero and count as such
    weigh         k -> (k,) weights by place; a list shorter than k leaves its last weights unused
    returns       (n_users, l) float32: z_u = mean(v_j, j in history) - sum_r w_r v_(list_r);
                  an empty history or an empty list counts as zero
    Raises ValueError if the shapes do not fit or a list has an item beyond the catalogue.
    Source: Zhang et al. 2021, section 3, with the linear weights.
    """
    n_users, n_items = histories.shape
    check_shape("item_vectors", item_vectors, (n_items, None))
    check_shape("lists.items", lists.items, (n_users, None))
    if lists.items.size and lists.items.max() >= n_items:
        raise ValueError(f"lists must hold item rows below {n_items}, found {lists.items.max()}")
    features = np.empty((n_users, item_vectors.shape[1]), dtype=np.float32)
    vectors = np.require(np.asarray(item_vectors), dtype=np.float32, requirements=["C", "W"])
    place_weights = weigh(lists.k)
    ones = np.ones(np.diff(histories.indptr).max(initial=0), dtype=np.float32)

    def describe(start: int, stop: int) -> None:
        starts = histories.indptr[start : stop + 1].astype(np.int64)
        _fill(
            starts - starts[0],
            np.array(histories.indices[starts[0] : starts[-1]], dtype=np.int32),
            np.array(
                lists.items[start:stop]
            ),  # copied, as mapped files and parts of rows need code of their own
            np.array(lists.lengths[start:stop]),
            vectors,
            ones,
            place_weights,
            features[start:stop],
        )

    run_blocks(describe, n_users, block=BLOCK)
    return features


@compiled
def _fill(  # noqa: PLR0917 - compiled loops take arrays by position
    starts: Rows,
    items: Items,
    lists: NDArray[np.int32],
    lengths: Items,
    vectors: Vectors,
    ones: Weights,
    place_weights: Weights,
    features: Vectors,
) -> None:
    """Fill features (n, l); starts (n + 1,) of each history within items, lists (n, k)."""
    center = np.empty(vectors.shape[1], np.float32)
    for user in range(len(features)):
        own, feature = items[starts[user] : starts[user + 1]], features[user]
        _add_up(own, ones, vectors, center)
        _add_up(lists[user, : lengths[user]], place_weights, vectors, feature)
        length = np.float32(max(len(own), 1))
        for f in range(len(center)):
            feature[f] = center[f] / length - feature[f]


@compiled
def _add_up(rows: Items, weights: Weights, vectors: Vectors, total: Vectors) -> None:
    """Fill total (l,) with the weighted sum of some vectors, added one after the other.

    Four at a time go through `total`, which is the same sum with a quarter of its reading and writing.
    """
    n, n_features = len(rows), len(total)
    total[:] = 0
    for a in range(0, n - 3, 4):
        for ahead in range(a + _AHEAD, min(a + _AHEAD + 4, n)):
            for f in range(0, n_features, LINE):
                prefetch(vectors, rows[ahead], f)
        v0, v1, v2, v3 = vectors[rows[a]], vectors[rows[a + 1]], vectors[rows[a + 2]], vectors[rows[a + 3]]
        w0, w1, w2, w3 = weights[a], weights[a + 1], weights[a + 2], weights[a + 3]
        for f in range(n_features):
            total[f] = (((total[f] + w0 * v0[f]) + w1 * v1[f]) + w2 * v2[f]) + w3 * v3[f]
    for a in range(n - n % 4, n):
        v0, w0 = vectors[rows[a]], weights[a]
        for f in range(n_features):
            total[f] += w0 * v0[f]
