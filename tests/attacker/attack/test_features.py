"""The user feature is the paper's formula, and unknown things count as zero."""

import numpy as np
import pytest
from scipy import sparse

from services.attacker.attack.features import difference_features, linear_weights, uniform_weights
from shared.ranked_lists import RankedLists


def random_world(n_users=30, n_items=40, k=7, length=5, seed=0):
    rng = np.random.default_rng(seed)
    histories = sparse.csr_array((rng.random((n_users, n_items)) < 0.2).astype(np.float32))
    lists = [rng.permutation(n_items)[: rng.integers(0, k + 1)] for _ in range(n_users)]
    return histories, lists, rng.normal(size=(n_items, length)).astype(np.float32)


def slow(histories, lists, vectors, weights):
    """The formula, user by user and place by place."""
    rows = []
    for user, names in enumerate(lists):
        own = histories[[user]].indices
        center = vectors[own].mean(axis=0) if len(own) else np.zeros(vectors.shape[1])
        for place, item in enumerate(names):
            center = center - weights[place] * vectors[item]
        rows.append(center)
    return np.array(rows)


@pytest.mark.parametrize("weigh", [linear_weights, uniform_weights])
def test_fast_equals_slow(weigh):
    histories, lists, vectors = random_world()

    fast = difference_features(histories, RankedLists.from_ragged(lists, k=7), vectors, weigh=weigh)

    # float32 sums of at most 40 terms of size 1
    assert fast == pytest.approx(slow(histories, lists, vectors, weigh(7)), abs=1e-5)


@pytest.mark.parametrize("weigh", [linear_weights, uniform_weights])
@pytest.mark.parametrize("k", [1, 2, 100])
def test_weights_sum_to_one(weigh, k):
    assert weigh(k).sum() == pytest.approx(1, abs=1e-6)
    assert len(weigh(k)) == k


def test_linear_weights_are_the_papers():
    assert linear_weights(3) == pytest.approx([3 / 6, 2 / 6, 1 / 6])


def test_permuting_users_permutes_features():
    histories, lists, vectors = random_world()
    order = np.random.default_rng(1).permutation(len(lists))
    ranked = RankedLists.from_ragged(lists, k=7)

    straight = difference_features(histories, ranked, vectors, weigh=linear_weights)
    permuted = difference_features(histories[order], ranked.take(order), vectors, weigh=linear_weights)

    assert (permuted == straight[order]).all()


def test_a_list_equal_to_a_one_item_history_gives_zero():
    histories = sparse.csr_array(np.array([[0, 1, 0]], dtype=np.float32))
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)

    z = difference_features(histories, RankedLists.full(np.array([[1]])), vectors, weigh=linear_weights)

    assert (z == 0).all()


def test_shapes_that_do_not_fit_are_refused():
    histories, lists, vectors = random_world()

    with pytest.raises(ValueError, match="item_vectors must have shape"):
        difference_features(
            histories, RankedLists.from_ragged(lists, k=7), vectors[:-1], weigh=linear_weights
        )
