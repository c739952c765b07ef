"""Figures are exact on cases done by hand, and obey the laws of their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score, roc_curve

from services.attacker.attack import metrics

scored_labels = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=60).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


def split(rows):
    scores = np.array([score for score, _ in rows], dtype=np.float64)
    return scores, np.array([label for _, label in rows])


def test_auc_by_hand():
    scores = np.array([3.0, 1.0, 2.0, 1.0])
    is_member = np.array([True, True, False, False])

    # pairs: 3>2, 3>1, 1<2, 1=1 -> (1 + 1 + 0 + 0.5) / 4
    assert metrics.auc(scores, is_member) == 0.625


@given(scored_labels)
def test_auc_is_that_of_the_textbook(rows):
    scores, is_member = split(rows)

    assert metrics.auc(scores, is_member) == pytest.approx(roc_auc_score(is_member, scores), abs=1e-12)


@given(scored_labels)
def test_swapping_the_sign_or_the_labels_reflects_the_auc(rows):
    scores, is_member = split(rows)

    assert metrics.auc(-scores, is_member) == pytest.approx(1 - metrics.auc(scores, is_member))
    assert metrics.auc(scores, ~is_member) == pytest.approx(1 - metrics.auc(scores, is_member))


@given(scored_labels, st.randoms())
def test_the_order_of_users_changes_nothing(rows, random):
    scores, is_member = split(rows)
    order = list(range(len(rows)))
    random.shuffle(order)

    assert metrics.auc(scores[order], is_member[order]) == pytest.approx(metrics.auc(scores, is_member))


def test_tied_scores_are_worth_a_coin():
    is_member = np.array([True, False, False, True])

    ranks = metrics.placements(np.zeros(4), is_member)

    assert ranks.auc == 0.5
    assert metrics.auc_interval(ranks) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("scores", "is_member", "message"),
    [
        ([0.0, 1.0], [True, True], "members and others"),
        ([0.0, np.nan], [True, False], "finite"),
        ([0.0, 1.0], [True], "shape"),
    ],
)
def test_unusable_input_is_refused(scores, is_member, message):
    with pytest.raises(ValueError, match=message):
        metrics.placements(np.array(scores), np.array(is_member))


@given(scored_labels)
def test_the_interval_contains_its_auc(rows):
    ranks = metrics.placements(*split(rows))

    low, high = metrics.auc_interval(ranks)

    assert 0 <= low <= ranks.auc + 1e-9
    assert ranks.auc - 1e-9 <= high <= 1


def test_delong_variance_is_the_definition():
    """The fast placements give the covariance-of-components variance of DeLong, by double loop."""
    rng = np.random.default_rng(0)
    members, others = rng.normal(1, 1, 13), rng.normal(0, 1, 17)
    wins = (members[:, None] > others[None, :]).astype(float)
    expected = wins.mean(axis=1).var(ddof=1) / 13 + wins.mean(axis=0).var(ddof=1) / 17

    ranks = metrics.placements(np.concatenate([members, others]), np.arange(30) < 13)
    low, high = metrics.auc_interval(ranks)

    reach = (np.log(high / (1 - high)) - np.log(low / (1 - low))) / 2
    variance = (reach / stats.norm.isf(0.025) * ranks.auc * (1 - ranks.auc)) ** 2
    assert variance == pytest.approx(expected)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Two normal worlds with AUC 0.76: of 400 intervals about 95 % contain it (3 sigma: 91.7 to 98.3)."""
    rng = np.random.default_rng(1)
    truth = stats.norm.cdf(1 / np.sqrt(2))
    is_member = np.arange(120) < 60

    def covers() -> bool:
        scores = rng.normal(np.where(is_member, 1.0, 0.0), 1.0)
        low, high = metrics.auc_interval(metrics.placements(scores, is_member))
        return low <= truth <= high

    assert 0.917 <= np.mean([covers() for _ in range(400)]) <= 0.983


def test_perfect_separation_still_has_an_interval():
    """With 10 against 20, all pairs in order: the bound is that of 10 pairs that all agree."""
    scores = np.arange(30.0)
    is_member = scores >= 20

    assert metrics.auc_interval(metrics.placements(scores, is_member)) == (0.025**0.1, 1.0)
    assert metrics.auc_interval(metrics.placements(-scores, is_member)) == (0.0, 1 - 0.025**0.1)


@given(scored_labels)
def test_the_curve_is_that_of_the_textbook(rows):
    scores, is_member = split(rows)

    curve = metrics.thin(metrics.roc_curve(scores, is_member))

    fpr, tpr, _ = roc_curve(is_member, scores)
    assert (curve.fpr[0], curve.tpr[0], curve.fpr[-1], curve.tpr[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(curve.tpr, curve.fpr) == pytest.approx(np.trapezoid(tpr, fpr))
    assert np.trapezoid(curve.tpr, curve.fpr) == pytest.approx(metrics.auc(scores, is_member))


def test_tpr_at_fpr_by_hand():
    """Ten others: one may be accused at 10 %, none at 1 %."""
    scores = np.array([9.0, 7.0, 5.0, 3.0] + [8.0] + [4.0] * 9)
    is_member = np.arange(14) < 4
    curve = metrics.roc_curve(scores, is_member)

    at_ten, at_one = (metrics.tpr_at_fpr(curve, fpr, n_members=4, n_others=10) for fpr in (0.1, 0.01))

    assert (at_ten.tpr, at_ten.is_resolved) == (0.75, True)
    assert (at_one.tpr, at_one.is_resolved) == (0.25, False)
    assert at_one.interval == pytest.approx((0.006309, 0.805880), abs=1e-5)


def test_clopper_pearson_of_none_and_all():
    assert metrics.clopper_pearson(0, 10) == pytest.approx((0.0, 1 - 0.025**0.1))
    assert metrics.clopper_pearson(10, 10) == pytest.approx((0.025**0.1, 1.0))


def test_balanced_accuracy_is_what_the_published_tables_call_auc():
    scores = np.array([1.0, -1.0, -1.0, -1.0])
    is_member = np.array([True, True, False, False])

    assert metrics.balanced_accuracy(scores, is_member, threshold=0.0) == 0.75
    assert metrics.balanced_accuracy(scores, is_member, threshold=9.0) == 0.5


def test_shuffled_labels_judge_a_perfect_score_as_chance():
    scores = np.arange(200.0)
    is_member = scores >= 100

    null = metrics.shuffled_aucs(scores, is_member, n_shuffles=500, rng=np.random.default_rng(0))

    assert null.interval[0] < 0.5 < null.interval[1]
    assert null.p_value == pytest.approx(1 / 501)


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_the_p_value_of_chance_is_not_small_too_often(seed):
    """A law, not a draw: the p-value is at least 1 / (n + 1) and at most 1."""
    rng = np.random.default_rng(seed)

    null = metrics.shuffled_aucs(rng.random(40), np.arange(40) % 2 == 0, n_shuffles=50, rng=rng)

    assert 1 / 51 <= null.p_value <= 1
