"""Plain scipy: cosines as a sparse product, scores as another, the k best by argpartition; one thread."""

import json
import sys

import numpy as np
from scipy import sparse

from lab.bench.clock import Clock
from lab.bench.matrices import Inputs

DENSE_FROM = 0.2  # share of cosines above 0 from which they are kept as a whole array
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
        cosines = scaled.T.tocsr() @ scaled
        is_dense = cosines.nnz > DENSE_FROM * n_items * n_items
        if is_dense:  # a product with few zeros is faster, and smaller, as a whole array
            cosines, histories = cosines.toarray().astype(np.float32), inputs.histories
    with clock.part("lists"):
        lists = np.full((n_users, k), -1, dtype=np.int32)
        block = max(1, BLOCK_CELLS // n_items) if is_dense else 256
        for start in range(0, n_users, block):
            own = histories[start : start + block]
            (rank_dense if is_dense else rank_sparse)(own @ cosines, own, lists[start : start + block])
    np.save(options["lists"], lists)
    clock.tell(units=n_users, packages=("scipy", "numpy"), notes=("scipy's product runs on one thread",))


def rank_dense(scores, own, lists):
    """Fill lists from a whole array of scores, which is changed."""
    np.negative(scores, out=scores)
    scores[np.repeat(np.arange(own.shape[0]), np.diff(own.indptr)), own.indices] = 1.0
    k = min(lists.shape[1], scores.shape[1])
    best = np.argpartition(scores, k - 1, axis=1)[:, :k]
    order = np.argsort(np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    lists[:, :k] = np.take_along_axis(best, order, axis=1)


def rank_sparse(scores, own, lists):
    """Fill lists from scores of which few are stored; the rest of a list, of score 0, is left empty."""
    is_own = np.zeros(own.shape[1], dtype=bool)
    for row in range(own.shape[0]):
        mine = own.indices[own.indptr[row] : own.indptr[row + 1]]
        is_own[mine] = True
        items = scores.indices[scores.indptr[row] : scores.indptr[row + 1]]
        # rounded once, so that equal sums tie whatever the order in which they were added
        values = scores.data[scores.indptr[row] : scores.indptr[row + 1]].astype(np.float32)
        keep = ~is_own[items]
        items, values = items[keep], values[keep]
        is_own[mine] = False
        if len(values) > lists.shape[1]:
            least = np.partition(values, -lists.shape[1])[-lists.shape[1]]
            items, values = items[values >= least], values[values >= least]
        order = np.lexsort((items, -values))[: lists.shape[1]]
        lists[row, : len(order)] = items[order]


main()
