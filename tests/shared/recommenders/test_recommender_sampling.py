"""Training samples: every interaction once, negatives from what the user lacks, evenly."""

import numpy as np
from recommender_worlds import histories_of, random_world

from shared.recommenders.sampling import Sampler, unpack


def test_an_epoch_has_every_interaction_once_and_as_many_negatives_as_asked():
    histories = random_world(density=0.7)
    dense = histories.toarray() > 0

    users, items, labels = unpack(Sampler(histories, n_negatives=3).draw(seed=5))

    found = np.zeros(dense.shape, int)
    np.add.at(found, (users[labels == 1], items[labels == 1]), 1)
    assert np.array_equal(found, dense)
    assert not dense[users[labels == 0], items[labels == 0]].any()
    assert np.array_equal(np.bincount(users[labels == 0]), 3 * dense.sum(axis=1))


def test_negatives_are_even():
    """Both ways of drawing: a user with a long history and one with a short."""
    likes = np.zeros((2, 100), bool)
    likes[0, :90] = likes[1, 90:] = True

    users, items, labels = unpack(Sampler(histories_of(likes), n_negatives=1000).draw(seed=1))

    for user, first, last in ((0, 90, 100), (1, 0, 90)):
        counts = np.bincount(items[(labels == 0) & (users == user)], minlength=100)[first:last]
        expected = counts.mean()
        # Chi squared over its degrees of freedom is 1 on average; 2 is beyond 1 in 20,000 for 9 and more.
        assert ((counts - expected) ** 2 / expected).sum() / (len(counts) - 1) < 4


def test_order_is_mixed_and_depends_on_the_seed_alone():
    sampler = Sampler(random_world(), n_negatives=1)

    first = sampler.draw(seed=1).copy()
    other = sampler.draw(seed=2).copy()
    again = sampler.draw(seed=1).copy()

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (np.diff(first >> 33) < 0).mean() > 0.3  # sorted by user it would be 0, at random nearly 1/2


def test_large_rows_survive_packing():
    samples = np.array([(2**29 << 33) | ((2**32 - 1) << 1) | 1])

    users, items, labels = unpack(samples)

    assert (users[0], items[0], labels[0]) == (2**29, 2**32 - 1, 1)
