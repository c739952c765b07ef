"""Plain scipy: cosines as a sparse product, scores as another, the k best by argpartition; one thread."""

import json
import sys

import numpy as np
from scipy import sparse

from lab.bench.clock import Clock
from lab.bench.matrices import Inputs

DENSE_FROM = 0.2  # share of stored scores from which a block is ranked as a dense one
BLOCK_CELLS = 8_000_000


def main() -> None:
    """Fit, rank, tell."""
    inputs, options = Inputs.load(sys.argv[1]), json.loads(sys.argv[2])
    k, histories = options["k"], inputs.histories.astype(np.float64)
    n_users, n_items = histories.shape
    clock = Clock()
    with clock.part("fit"):
        counts = np.maximum(np.bincount(histories.indices, minlength=n_items), 1)
        scaled = histories @ sparse.diags_array(1 / np.sqrt(counts))
        cosines = (scaled.T @ scaled).tocsr()
    with clock.part("lists"):
        lists = np.full((n_users, k), -1, dtype=np.int32)
        is_dense = cosines.nnz > DENSE_FROM * n_items * n_items
        block = max(1, BLOCK_CELLS // n_items) if is_dense else 256
        for start in range(0, n_users, block):
            own = histories[start : start + block]
            scores = own @ cosines
            (rank_dense if is_dense else rank_sparse)(scores, own, lists[start : start + block])
    np.save(options["lists"], lists)
    clock.tell(units=n_users, packages=("scipy", "numpy"), notes=("scipy's product runs on one thread",))


def rank_dense(scores, own, lists):
    """Fill lists from scores of which most are stored."""
    dense = scores.toarray()
    dense[np.repeat(np.arange(own.shape[0]), np.diff(own.indptr)), own.indices] = -1.0
    k = min(lists.shape[1], dense.shape[1])
    best = np.argpartition(-dense, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(dense, best, axis=1), axis=1, kind="stable")
    lists[:, :k] = np.take_along_axis(best, order, axis=1)


def rank_sparse(scores, own, lists):
    """Fill lists from scores of which few are stored; the rest of a list, of score 0, is left empty."""
    is_own = np.zeros(own.shape[1], dtype=bool)
    for row in range(own.shape[0]):
        mine = own.indices[own.indptr[row] : own.indptr[row + 1]]
        is_own[mine] = True
        items = scores.indices[scores.indptr[row] : scores.indptr[row + 1]]
        values = scores.data[scores.indptr[row] : scores.indptr[row + 1]]
        keep = ~is_own[items]
        items, values = items[keep], values[keep]
        is_own[mine] = False
        if len(values) > lists.shape[1]:
            best = np.argpartition(-values, lists.shape[1] - 1)[: lists.shape[1]]
            items, values = items[best], values[best]
        lists[row, : len(items)] = items[np.argsort(-values, kind="stable")]


main()
