"""Item vectors: what the attacker knows about items, learned from data that no recommender saw."""

from dataclasses import dataclass, replace
from math import prod

import numpy as np
from scipy.sparse.linalg import svds

from shared.arrays import Bools, Histories, Vectors
from shared.attacks import Factorization
from shared.progress import Progress
from shared.recommenders.lfm_training import LfmSettings, factorize

# users x items up to which the dense decomposition is quick; the iterative one draws anew where singular
# values repeat, as they do in small worlds, and then equal seeds give other vectors
_SMALL = 1_000_000


@dataclass(frozen=True)
class ItemVectors:
    """A vector for every item of a catalogue.

    vectors     (n_items, l) float32; zero where nothing is known
    is_covered  (n_items,) bool: somebody interacted with the item in the item-feature part
    """

    vectors: Vectors
    is_covered: Bools


def learn_item_vectors(
    histories: Histories, *, length: int, factorization: Factorization, seed: int, progress: Progress
) -> ItemVectors:
    """Factorize the item-feature part and keep the item side.

    histories  (n_users, n_items) the item-feature part over the whole catalogue
    length     l, the number of factors
    returns    vectors (n_items, length); items without an interaction are zero. Where the matrix has fewer
               factors than `length`, the last components are zero.
    Source: Zhang et al. 2021, section 3 (matrix factorization of a third, disjoint part). The paper gives no
    settings; LFM takes those it gives for its recommender. SVD is ours: on shadow users alone it separated
    better across algorithms (see docs/reproduction.md), and it has no random start.
    """
    is_covered = np.bincount(histories.indices, minlength=histories.shape[1]) > 0
    if factorization is Factorization.SVD:
        progress.step(0.0, "decomposing the item-feature matrix")
        return ItemVectors(_singular_vectors(histories, length, seed), is_covered)
    settings = replace(LfmSettings(), n_factors=length)
    _, item_factors = factorize(histories, settings, seed=seed, progress=progress)
    return ItemVectors(np.where(is_covered[:, None], item_factors, np.float32(0)), is_covered)


def _singular_vectors(histories: Histories, length: int, seed: int) -> Vectors:
    n_factors = min(length, min(histories.shape) - 1)
    if prod(histories.shape) <= _SMALL:
        found = np.linalg.svd(histories.toarray().astype(np.float64), full_matrices=False)[2]
        order = np.arange(n_factors)
    else:
        start = np.random.default_rng(seed).random(min(histories.shape))
        _, strengths, found = svds(histories.astype(np.float64), k=n_factors, v0=start)
        order = np.argsort(-strengths, kind="stable")
    vectors = np.zeros((histories.shape[1], length), dtype=np.float32)
    vectors[:, :n_factors] = found[order].T * _signs(found[order])
    return vectors


def _signs(rows: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Vectors:
    """Fix what the decomposition leaves open: the largest entry of each vector is positive."""
    largest = np.abs(rows).argmax(axis=1)
    signs: Vectors = np.where(rows[np.arange(len(rows)), largest] < 0, -1, 1).astype(np.float32)
    return signs
