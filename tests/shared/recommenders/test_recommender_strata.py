"""Epochs in blocks: the same samples as always, and blocks of a stratum that cannot disturb each other."""

import numpy as np
import pytest
from recommender_worlds import histories_of, random_world

from shared.recommenders.sampling import unpack
from shared.recommenders.strata import StratifiedSampler, divide


def blocks_of(histories, *, n_blocks=4, n_negatives=3, seed=5):
    epoch = StratifiedSampler(histories, n_negatives=n_negatives, n_blocks=n_blocks, seed=1).draw(seed=seed)
    return [
        [unpack(epoch.block_at(stratum, block)) for block in range(n_blocks)] for stratum in range(n_blocks)
    ]


@pytest.mark.parametrize("n_blocks", [2, 4, 50])
def test_an_epoch_has_every_interaction_once_and_as_many_negatives_as_asked(n_blocks):
    histories = random_world(density=0.7)
    dense = histories.toarray() > 0

    parts = [part for stratum in blocks_of(histories, n_blocks=n_blocks) for part in stratum]
    users, items, labels = (np.concatenate(column) for column in zip(*parts, strict=True))

    found = np.zeros(dense.shape, int)
    np.add.at(found, (users[labels == 1], items[labels == 1]), 1)
    assert np.array_equal(found, dense)
    assert not dense[users[labels == 0], items[labels == 0]].any()
    assert np.array_equal(np.bincount(users[labels == 0]), 3 * dense.sum(axis=1))


def test_blocks_of_a_stratum_share_no_user_and_no_item():
    for stratum in blocks_of(random_world(100, 80)):
        for axis in (0, 1):
            rows = [set(part[axis].tolist()) for part in stratum]
            assert sum(map(len, rows)) == len(set.union(*rows))


def test_samples_are_mixed_within_a_block():
    parts = [part for stratum in blocks_of(random_world(100, 80)) for part in stratum]

    falls = np.concatenate([np.diff(users) < 0 for users, _, _ in parts])

    assert falls.mean() > 0.3  # sorted by user it would be 0, at random nearly 1/2


def test_an_epoch_depends_on_the_seed_alone():
    sampler = StratifiedSampler(random_world(), n_negatives=1, n_blocks=3, seed=1)

    def epoch(seed):
        drawn = sampler.draw(seed=seed)
        return np.concatenate([drawn.block_at(stratum, block) for stratum in range(3) for block in range(3)])

    assert np.array_equal(epoch(7), epoch(7))
    assert not np.array_equal(epoch(7), epoch(8))


def test_blocks_have_about_equal_weight():
    weights = np.random.default_rng(0).integers(1, 20, size=1000)

    blocks = divide(weights, 8, rng=np.random.default_rng(1))

    assert np.array_equal(np.sort(np.concatenate(blocks)), np.arange(1000))
    assert np.ptp([weights[block].sum() for block in blocks]) <= 2 * weights.max()


def test_a_user_with_all_items_is_refused():
    with pytest.raises(ValueError, match="user row 1 has all 3 items"):
        StratifiedSampler(histories_of(np.array([[1, 0, 0], [1, 1, 1]])), n_negatives=1, n_blocks=2, seed=0)
