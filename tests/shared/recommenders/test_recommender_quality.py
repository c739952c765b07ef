"""HR@k by leave-one-out and full ranking."""

import numpy as np
import pytest
from recommender_worlds import histories_of, random_world

from shared.progress import SILENT
from shared.recommenders.base import Algorithm
from shared.recommenders.item_knn import ItemSettings
from shared.recommenders.popularity import PopularitySettings
from shared.recommenders.quality import held_out, hit_rate, measure_quality, wilson, without

GROUPS = np.kron(np.eye(2, dtype=bool), np.ones((12, 10), dtype=bool))  # two tastes of ten items


def test_item_neighbors_find_what_was_held_out_of_a_taste_and_popularity_does_not():
    """Within a taste the held-out item is all that a user lacks; the other taste is as popular."""
    histories = histories_of(GROUPS)

    found = measure_quality(
        histories, algorithm=Algorithm.ITEM, settings=ItemSettings(), k=1, seed=1, progress=SILENT
    )

    assert found.model.value == 1
    assert found.popularity.value < 0.5
    assert found.model.n_users == found.popularity.n_users == 24


def test_the_whole_catalogue_holds_every_item():
    found = hit_rate(
        random_world(),
        algorithm=Algorithm.POPULARITY,
        settings=PopularitySettings(),
        k=40,
        seed=1,
        progress=SILENT,
    )

    assert found.value == 1


def test_one_interaction_is_held_out_of_everybody_with_two():
    likes = GROUPS.copy()
    likes[0] = likes[1] = False
    likes[0, 4] = True
    histories = histories_of(likes)

    users, items = held_out(histories, seed=3)
    rest = without(histories, users, items)

    assert list(users) == list(range(2, 24))
    assert likes[users, items].all()
    removed = likes & ~(rest.toarray() > 0)
    assert np.array_equal(np.argwhere(removed), np.column_stack([users, items]))


def test_held_out_items_are_spread_over_the_history():
    _, items = held_out(histories_of(np.ones((2000, 4), bool)), seed=1)

    counts = np.bincount(items, minlength=4)
    assert (np.abs(counts - 500) < 100).all()  # five standard deviations of 19.4


def test_nobody_to_count_is_an_error():
    with pytest.raises(ValueError, match="at least two interactions"):
        held_out(histories_of(np.eye(3, dtype=bool)), seed=1)


def test_the_interval_is_wilsons():
    found = wilson(8, 10)

    # Newcombe 1998, table I, method 3: 81/263 has 0.2553 to 0.3662.
    assert (round(wilson(81, 263).low, 4), round(wilson(81, 263).high, 4)) == (0.2553, 0.3662)
    assert found.low < found.value < found.high
    assert wilson(0, 10).low == 0
    assert wilson(10, 10).high == pytest.approx(1)
