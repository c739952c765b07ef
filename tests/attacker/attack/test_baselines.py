"""Each baseline is exact in a world where its answer is known."""

import numpy as np
import pytest
from scipy import sparse

from services.attacker.attack import baselines
from services.attacker.attack.baselines import AnsweredUsers
from services.attacker.attack.controls import built_to_leak
from services.attacker.attack.metrics import auc
from shared.ranked_lists import RankedLists


def answered(lists, k=3, n_items=10, is_absent=None):
    histories = sparse.csr_array(np.ones((len(lists), n_items), dtype=np.float32))
    return AnsweredUsers(
        histories,
        RankedLists.from_ragged([np.array(one, dtype=np.int64) for one in lists], k=k),
        np.zeros(len(lists), dtype=bool) if is_absent is None else np.array(is_absent),
    )


def test_identical_lists_counts_who_shares_a_list():
    users = answered([[1, 2], [2, 1], [1, 2], [1, 2, 3], []])

    assert baselines.identical_lists(users).tolist() == [-2, -1, -2, -1, -1]


def test_list_form_orders_absent_below_empty_below_full():
    users = answered([[], [], [1, 2]], is_absent=[True, False, False])

    assert baselines.list_form(users).tolist() == [-1, 0, 2]


def test_popular_overlap_is_the_share_within_the_head():
    counts = np.array([9, 8, 7, 0, 0, 0, 0, 0, 0, 0])
    users = answered([[0, 1, 2], [0, 5, 6], [5], []])

    assert baselines.popular_overlap(users, counts) == pytest.approx([-1, -1 / 3, 0, 0])


def test_history_alone_finds_a_planted_difference_and_only_that():
    """Members have longer histories in one world; in the other the coin is fair."""
    rng = np.random.default_rng(0)
    is_member = np.arange(600) % 2 == 0
    biased = rng.random((600, 50)) < np.where(is_member, 0.5, 0.2)[:, None]
    fair = rng.random((600, 50)) < 0.3

    def found(world):
        histories = sparse.csr_array(world.astype(np.float32))
        counts = np.arange(50)
        features = baselines.history_features(histories, np.zeros((50, 2), np.float32), counts)
        half = np.arange(600) < 300
        _, judged = baselines.logistic_scores(features[half], is_member[half], features[~half])
        return auc(judged, is_member[~half])

    assert found(biased) > 0.99
    assert 0.4 < found(fair) < 0.6  # 3 sigma of a fair coin with 150 against 150 is 0.1


def test_logistic_gradient_vanishes_at_the_fit():
    rng = np.random.default_rng(0)
    x, is_member = rng.normal(size=(200, 3)), rng.random(200) < 0.5

    own, judged = baselines.logistic_scores(x, is_member, x)

    assert (own == judged).all()
    residual = is_member - 1 / (1 + np.exp(-own))
    assert abs(residual.sum()) < 1e-2  # the unpunished intercept makes the residuals sum to zero


def test_users_of_different_number_are_refused():
    users = answered([[1], [2]])

    with pytest.raises(ValueError, match="same users"):
        AnsweredUsers(users.histories, users.lists.take(np.array([0])), users.is_absent)


def test_the_leaky_recommender_hands_histories_back():
    histories = sparse.csr_array((np.random.default_rng(0).random((20, 30)) < 0.3).astype(np.float32))
    is_member = np.arange(20) < 10
    popular = np.arange(5)

    users = built_to_leak(histories, is_member, popular, k=5, rng=np.random.default_rng(1))

    for row in range(20):
        own = set(histories[[row]].indices.tolist())
        listed = users.lists.of(row).tolist()
        assert set(listed) <= own if is_member[row] else listed == popular.tolist()
