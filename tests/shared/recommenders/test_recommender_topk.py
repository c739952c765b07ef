"""Top-k lists: exact, own history excluded, ties to the smaller item row."""

import numpy as np
import pytest
from recommender_worlds import histories_of, random_world

from shared.ranked_lists import NO_ITEM
from shared.recommenders.topk import rank_catalogue, top_lists


def slow_lists(scores, histories, user_rows, k):
    dense = histories.toarray()
    lists = []
    for score, user in zip(scores, user_rows, strict=True):
        order = sorted(range(dense.shape[1]), key=lambda item: (-score[item], item))
        lists.append([item for item in order if not dense[user, item]][:k])
    return lists


@pytest.mark.parametrize("k", [1, 3, 39, 40, 100])
@pytest.mark.parametrize("levels", [1, 3, 10**6])
def test_equals_a_full_sort(k, levels):
    """Few levels make many ties, a large k makes short lists."""
    histories = random_world()
    scores = np.random.default_rng(k).integers(levels, size=(30, 40)).astype(np.float32)
    rows = np.arange(30)

    found = top_lists(scores, histories, rows, k=k)

    assert [list(found.of(row)) for row in rows] == slow_lists(scores, histories, rows, k)
    assert found.k == k


def test_infinite_scores_are_ordered_and_nan_is_refused():
    histories = histories_of(np.array([[True, False, False, False]]))

    found = top_lists(np.array([[9, -np.inf, np.inf, 0]], np.float32), histories, np.array([0]), k=3)

    assert list(found.of(0)) == [2, 3, 1]
    with pytest.raises(ValueError, match="NaN"):
        top_lists(np.array([[9, 1, np.nan, 0]], np.float32), histories, np.array([0]), k=3)


def test_whoever_has_everything_gets_an_empty_list():
    found = top_lists(np.zeros((1, 3), np.float32), histories_of(np.ones((1, 3), bool)), np.array([0]), k=2)

    assert found.lengths[0] == 0
    assert (found.items == NO_ITEM).all()


def test_rows_may_repeat_and_must_exist():
    histories = random_world()
    scores = np.random.default_rng(0).random((30, 40), dtype=np.float32)

    found = rank_catalogue(lambda rows: scores[rows], histories, np.array([4, 2, 4]), k=5)

    assert np.array_equal(found.items[0], found.items[2])
    with pytest.raises(ValueError, match="user rows"):
        rank_catalogue(lambda rows: scores[rows], histories, np.array([30]), k=5)
    with pytest.raises(ValueError, match="k must be"):
        rank_catalogue(lambda rows: scores[rows], histories, np.array([0]), k=0)


def test_nobody_asked_nobody_answered():
    found = rank_catalogue(lambda rows: np.zeros((0, 40), np.float32), random_world(), np.array([], int), k=5)

    assert found.items.shape == (0, 5)
