"""Item vectors rebuild what they can and say nothing of what nobody touched."""

import numpy as np
import pytest
from scipy import sparse

from services.attacker.attack.item_vectors import learn_item_vectors
from shared.attacks import Factorization
from shared.progress import SILENT

ALL = pytest.mark.parametrize("factorization", list(Factorization))


def two_tastes(n_users=60):
    """Even users take even items, odd users odd items; the last two items nobody takes."""
    users, items = np.meshgrid(np.arange(n_users), np.arange(20), indexing="ij")
    taken = (users % 2 == items % 2) & ((users * 7 + items * 3) % 5 > 0) & (items < 18)
    return sparse.csr_array(taken.astype(np.float32))


def learn(factorization, *, length=4, seed=0):
    return learn_item_vectors(
        two_tastes(), length=length, factorization=factorization, seed=seed, progress=SILENT
    )


@ALL
def test_untouched_items_are_zero_and_not_covered(factorization):
    found = learn(factorization)

    assert found.is_covered.tolist() == [True] * 18 + [False] * 2
    assert (found.vectors[18:] == 0).all()
    assert (np.abs(found.vectors[:18]).sum(axis=1) > 0).all()


@ALL
def test_same_seed_same_bytes(factorization):
    assert learn(factorization).vectors.tobytes() == learn(factorization).vectors.tobytes()


@ALL
def test_more_factors_than_the_matrix_has_leave_zeros_or_learn_all(factorization):
    found = learn(factorization, length=50)

    assert found.vectors.shape == (20, 50)
    assert np.isfinite(found.vectors).all()


def test_svd_puts_each_taste_on_its_own_side():
    """The two tastes share no item: the first two right singular vectors are one taste each."""
    vectors = learn(Factorization.SVD, length=2).vectors[:18]

    cosines = (vectors @ vectors.T) / np.outer(*(np.linalg.norm(vectors, axis=1),) * 2)

    same_taste = np.equal.outer(np.arange(18) % 2, np.arange(18) % 2)
    assert cosines[same_taste].min() > 0.99
    assert np.abs(cosines[~same_taste]).max() < 0.01


def test_svd_has_no_random_sign():
    taken = np.random.default_rng(0).random((40, 12)) < np.linspace(0.1, 0.9, 12)
    histories = sparse.csr_array(taken.astype(np.float32))

    first, other = (
        learn_item_vectors(
            histories, length=4, factorization=Factorization.SVD, seed=seed, progress=SILENT
        ).vectors
        for seed in (0, 1)
    )

    assert first == pytest.approx(other, abs=1e-5)
