"""What a deployment hands out to members and to everybody else."""

import numpy as np
import pytest
from recommender_worlds import histories_of, random_world

from shared.errors import JobStopped
from shared.progress import SILENT, Progress
from shared.recommenders.base import Algorithm
from shared.recommenders.item_knn import ItemKnn, ItemSettings
from shared.recommenders.served import ColdStart, popular_list, serve, train_and_serve

HISTORIES = random_world(30, 40)
IS_MEMBER = np.arange(30) % 3 != 0
COUNTS = HISTORIES.toarray()[IS_MEMBER].sum(axis=0)


def served(cold_start, k=7, histories=HISTORIES):
    return train_and_serve(
        histories,
        IS_MEMBER,
        algorithm=Algorithm.ITEM,
        settings=ItemSettings(),
        k=k,
        cold_start=cold_start,
        seed=1,
        progress=SILENT,
    )


def by_popularity(excluded=()):
    return [i for i in sorted(range(40), key=lambda i: (-COUNTS[i], i)) if i not in excluded]


@pytest.mark.parametrize("cold_start", ColdStart)
def test_members_get_the_models_lists_in_their_own_places(cold_start):
    model, found = served(cold_start)

    expected = model.recommend(np.arange(20), k=7)
    assert np.array_equal(found.lists.items[IS_MEMBER], expected.items)
    assert not found.is_absent[IS_MEMBER].any()


def test_popular_is_one_list_for_all_strangers_whatever_their_history():
    _, found = served(ColdStart.POPULAR)

    assert (found.lists.items[~IS_MEMBER] == by_popularity()[:7]).all()
    assert list(popular_list(HISTORIES[np.flatnonzero(IS_MEMBER)], 7)) == by_popularity()[:7]


def test_popular_unseen_leaves_the_strangers_history_out():
    _, found = served(ColdStart.POPULAR_UNSEEN)

    for row in np.flatnonzero(~IS_MEMBER):
        own = HISTORIES[[row]].indices
        assert list(found.lists.of(row)) == by_popularity(own)[:7]


def test_fold_in_makes_lists_of_strangers_histories_and_the_popular_one_where_there_is_none():
    likes = HISTORIES.toarray() > 0
    stranger = np.flatnonzero(~IS_MEMBER)[3]
    likes[stranger] = False
    histories = histories_of(likes)

    model, found = served(ColdStart.FOLD_IN, histories=histories)

    for row in np.flatnonzero(~IS_MEMBER):
        expected = (
            by_popularity()[:7] if row == stranger else list(model.fold_in(histories[[row]], k=7).of(0))
        )
        assert list(found.lists.of(row)) == expected
    assert not found.is_absent.any()


@pytest.mark.parametrize("cold_start", [ColdStart.EMPTY, ColdStart.NOT_FOUND])
def test_empty_and_not_found_have_no_list_and_differ_in_absence(cold_start):
    _, found = served(cold_start)

    assert (found.lists.lengths[~IS_MEMBER] == 0).all()
    assert np.array_equal(found.is_absent, ~IS_MEMBER & (cold_start is ColdStart.NOT_FOUND))


def test_lists_end_with_the_catalogue():
    _, found = served(ColdStart.POPULAR, k=100)

    own = np.diff(HISTORIES.indptr)
    assert np.array_equal(found.lists.lengths, np.where(IS_MEMBER, 40 - own, 40))


def test_strangers_change_nothing_for_members_or_popularity():
    other = HISTORIES.toarray() > 0
    other[~IS_MEMBER] = ~other[~IS_MEMBER]

    assert np.array_equal(
        served(ColdStart.POPULAR)[1].lists.items,
        served(ColdStart.POPULAR, histories=histories_of(other))[1].lists.items,
    )


def test_a_model_of_other_users_is_refused():
    with pytest.raises(ValueError, match="trained on"):
        serve(ItemKnn(HISTORIES), HISTORIES, IS_MEMBER, k=5, cold_start=ColdStart.EMPTY, progress=SILENT)


def test_serving_stops_when_asked():
    model, _ = served(ColdStart.POPULAR)
    stopping = Progress(should_stop=lambda: True)

    with pytest.raises(JobStopped):
        serve(model, HISTORIES, IS_MEMBER, k=5, cold_start=ColdStart.POPULAR, progress=stopping)


def test_nobody_trained_on_is_an_error():
    with pytest.raises(ValueError, match="at least one user"):
        train_and_serve(
            HISTORIES,
            np.zeros(30, bool),
            algorithm=Algorithm.ITEM,
            settings=ItemSettings(),
            k=5,
            cold_start=ColdStart.POPULAR,
            seed=1,
            progress=SILENT,
        )
