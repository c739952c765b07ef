"""Vectors for users whom a latent factor model was not trained on, from their histories alone."""

# ruff: noqa: PLR0917 - compiled loops take arrays by position

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Histories, Vectors
from shared.compiled import compiled_fast, csr_parts

Table: TypeAlias = NDArray[np.float64]

_TINY = 1e-10  # of the mean pivot: what is smaller is rounding


def gram_matrix(items: Vectors) -> Table:
    """Sum the outer products of all item vectors: (n_factors, n_factors) float64, lower triangle."""
    gram = np.zeros((items.shape[1], items.shape[1]))
    _add_outer(items, gram)
    return gram


def fold_in(
    histories: Histories, items: Vectors, gram: Table, *, n_negatives: int, regularization: float
) -> Vectors:
    """Find the vectors p that fit histories best while the item vectors q stay as they are.

    For a history H of h items, p minimizes what a training epoch costs this user on average:

        sum over H of (1 - p q)^2 + w sum over the rest of (p q)^2 + regularization (1 + n_negatives) h |p|^2

    with w = n_negatives h / (n_items - h), how often an item of the rest is drawn. Nothing is drawn here, so
    equal histories get equal vectors.
    histories  (n, n_items)
    gram       see `gram_matrix`
    returns    (n, n_factors) float32, 0 for an empty history
    Source: Hu, Koren and Volinsky 2008, equation 4, and its sum over all items taken once; our weights.
    """
    indptr, indices = csr_parts(histories)
    vectors = np.zeros((histories.shape[0], items.shape[1]), dtype=np.float32)
    _solve_all(indptr, indices, items, gram, float(n_negatives), float(regularization), vectors)
    return vectors


@compiled_fast
def _add_outer(vectors: Vectors, sums: Table) -> None:
    for vector in vectors:
        for r in range(len(vector)):
            value, row = np.float64(vector[r]), sums[r]
            for c in range(r + 1):
                row[c] += value * vector[c]


@compiled_fast
def _solve_all(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    items: Vectors,
    gram: Table,
    n_negatives: float,
    regularization: float,
    vectors: Vectors,
) -> None:
    n_items, n_factors = items.shape
    matrix, right = np.empty((n_factors, n_factors)), np.empty(n_factors)
    for n in range(len(vectors)):
        own = indices[indptr[n] : indptr[n + 1]]
        if len(own) == 0:
            continue
        weight = n_negatives * len(own) / max(n_items - len(own), 1)
        matrix[:] = 0.0
        right[:] = 0.0
        for item in own:
            q = items[item]
            for r in range(n_factors):
                value, row = np.float64(q[r]), matrix[r]
                right[r] += value
                for c in range(r + 1):
                    row[c] += value * q[c]
        for r in range(n_factors):
            for c in range(r + 1):
                matrix[r, c] += weight * (gram[r, c] - matrix[r, c])
            matrix[r, r] += regularization * (1.0 + n_negatives) * len(own)
        _solve(matrix, right)
        for r in range(n_factors):
            vectors[n, r] = right[r]


@compiled_fast
def _solve(matrix: Table, right: Table) -> None:
    """Solve a positive semidefinite system given by its lower triangle; the solution is in `right` then.

    Where it has many solutions, one of them: directions without a pivot of their own get 0.
    """
    n = len(right)
    trace = 0.0
    for r in range(n):
        trace += matrix[r, r]
    for r in range(n):
        for c in range(r):
            total = matrix[r, c]
            for t in range(c):
                total -= matrix[r, t] * matrix[c, t]
            matrix[r, c] = total * matrix[c, c]
        pivot = matrix[r, r]
        for t in range(r):
            pivot -= matrix[r, t] * matrix[r, t]
        matrix[r, r] = 1.0 / np.sqrt(pivot) if pivot > _TINY * trace / n else 0.0
        for t in range(r):
            right[r] -= matrix[r, t] * right[t]
        right[r] *= matrix[r, r]
    for r in range(n - 1, -1, -1):
        right[r] *= matrix[r, r]
        for t in range(r):
            right[t] -= matrix[r, t] * right[r]
