"""Strangers get a fair draw from the pool, and nothing else."""

import numpy as np
import pytest

from shared.defenses.popularity_randomization import randomized_popular_lists

RANKING = np.random.default_rng(0).permutation(50)


def draw(n_users=400, pool=20, k=5, seed=0):
    return randomized_popular_lists(RANKING, n_users=n_users, pool=pool, k=k, rng=np.random.default_rng(seed))


def test_lists_are_from_the_pool_without_repeats():
    lists = draw().items

    assert set(lists.ravel().tolist()) == set(RANKING[:20].tolist())
    assert all(len(set(row)) == 5 for row in lists.tolist())


def test_every_item_of_the_pool_is_as_likely_at_every_place():
    """Each of 20 items stands on each place in 1 of 20 lists; 5 sigma of 4,000 draws is 0.017."""
    lists = draw(n_users=4_000).items

    for place in range(5):
        shares = np.bincount(lists[:, place], minlength=50)[RANKING[:20]] / 4_000
        assert shares == pytest.approx(np.full(20, 1 / 20), abs=0.018)


def test_a_pool_of_k_gives_the_same_items_in_another_order():
    lists = draw(pool=5).items

    assert all(set(row) == set(RANKING[:5].tolist()) for row in lists.tolist())
    assert len(np.unique(lists, axis=0)) > 1


def test_a_pool_larger_than_the_catalogue_is_the_catalogue():
    assert set(draw(pool=1_000).items.ravel().tolist()) == set(range(50))


def test_same_seed_same_lists():
    assert draw().items.tobytes() == draw().items.tobytes()
    assert draw().items.tobytes() != draw(seed=1).items.tobytes()


@pytest.mark.parametrize(("pool", "k"), [(4, 5), (5, 0)])
def test_impossible_pools_are_refused(pool, k):
    with pytest.raises(ValueError, match="k <= pool"):
        draw(pool=pool, k=k)
