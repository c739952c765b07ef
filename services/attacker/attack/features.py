"""The paper's user feature: how far a user's list lies from the user's history."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from shared.arrays import Histories, Vectors, check_shape
from shared.ranked_lists import RankedLists

BLOCK = 65_536  # users at a time: bounds the memory at 26 MB for l = 100

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
    Raises ValueError if the shapes do not fit.
    Source: Zhang et al. 2021, section 3, with the linear weights.
    """
    n_users, n_items = histories.shape
    check_shape("item_vectors", item_vectors, (n_items, None))
    check_shape("lists.items", lists.items, (n_users, None))
    place_weights = weigh(lists.k)
    features = np.empty((n_users, item_vectors.shape[1]), dtype=np.float32)
    for start in range(0, n_users, BLOCK):
        block = slice(start, min(start + BLOCK, n_users))
        features[block] = _centers(histories[block], item_vectors) - _weighted_centers(
            lists.take(np.arange(block.start, block.stop)), item_vectors, place_weights
        )
    return features


def _centers(histories: Histories, item_vectors: Vectors) -> Vectors:
    lengths = np.maximum(np.diff(histories.indptr), 1).astype(np.float32)
    sums: Vectors = histories @ item_vectors
    return sums / lengths[:, None]


def _weighted_centers(lists: RankedLists, item_vectors: Vectors, place_weights: Weights) -> Vectors:
    is_filled = lists.is_filled()  # (n, k)
    weights = np.broadcast_to(place_weights, is_filled.shape)[is_filled]
    starts = np.concatenate([[0], np.cumsum(lists.lengths, dtype=np.int64)])
    shape = (lists.n_users, len(item_vectors))
    chosen = sparse.csr_array((weights, lists.items[is_filled], starts), shape=shape)
    centers: Vectors = chosen @ item_vectors
    return centers
