"""The user feature is the paper's formula, and unknown things count as zero."""

import numpy as np
import pytest
from scipy import sparse

from services.attacker.attack.features import difference_features, linear_weights, uniform_weights
from shared.parallel import THREADS
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


def test_sums_are_added_in_order():
    """To the bit: published figures hang on it, and so do two machines of one kind."""
    histories, lists, vectors = random_world(n_users=5000, length=37)
    ranked = RankedLists.from_ragged(lists, k=7)
    lengths = np.maximum(np.diff(histories.indptr), 1).astype(np.float32)
    starts = np.concatenate([[0], np.cumsum(ranked.lengths)])
    weights = np.broadcast_to(linear_weights(7), ranked.items.shape)[ranked.is_filled()]
    chosen = sparse.csr_array((weights, ranked.items[ranked.is_filled()], starts), shape=histories.shape)

    found = difference_features(histories, ranked, vectors, weigh=linear_weights)

    assert (found == (histories @ vectors) / lengths[:, None] - chosen @ vectors).all()


def test_threads_change_nothing(monkeypatch):
    histories, lists, vectors = random_world(n_users=9000)
    ranked = RankedLists.from_ragged(lists, k=7)

    found = []
    for n_threads in (1, 3):
        monkeypatch.setenv(THREADS, str(n_threads))
        found.append(difference_features(histories, ranked, vectors, weigh=linear_weights))

    assert (found[0] == found[1]).all()


def test_mapped_files_and_parts_of_lists_do_as_well(tmp_path):
    histories, lists, vectors = random_world()
    ranked = RankedLists.from_ragged(lists, k=7)
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")

    found = difference_features(histories, ranked.top(3), mapped, weigh=linear_weights)

    whole = RankedLists(np.ascontiguousarray(ranked.items[:, :3]), ranked.top(3).lengths)
    assert (found == difference_features(histories, whole, vectors, weigh=linear_weights)).all()


def test_an_item_beyond_the_catalogue_is_refused():
    histories, _, vectors = random_world(n_users=1)

    with pytest.raises(ValueError, match="below 40, found 40"):
        difference_features(histories, RankedLists.full(np.array([[40]])), vectors, weigh=linear_weights)


def test_shapes_that_do_not_fit_are_refused():
    histories, lists, vectors = random_world()

    with pytest.raises(ValueError, match="item_vectors must have shape"):
        difference_features(
            histories, RankedLists.from_ragged(lists, k=7), vectors[:-1], weigh=linear_weights
        )
