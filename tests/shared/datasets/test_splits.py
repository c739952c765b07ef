"""The division is a partition, seeds settle it, and members are exactly half."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.datasets.splits import Division, DivisionSpec, Parts, divide, draw_members
from shared.errors import BadInput
from shared.interactions import Ids, Interactions, binary_matrix

BOTH = pytest.mark.parametrize("division", Division)


def world(n_users: int = 300, n_items: int = 80, n_pairs: int = 9000) -> Interactions:
    rng = np.random.default_rng(5)
    users, items = rng.integers(n_users, size=n_pairs), rng.integers(n_items, size=n_pairs)
    return Interactions(
        binary_matrix(users, items, (n_users, n_items)),
        Ids(tuple(f"u{row}" for row in range(n_users))),
        Ids(tuple(f"i{row}" for row in range(n_items))),
    )


def pairs(interactions: Interactions) -> set[tuple[str, int]]:
    rows, columns = interactions.histories.nonzero()
    return set(zip(interactions.user_ids.names_of(rows), columns.tolist(), strict=True))


def three(parts: Parts) -> list[Interactions]:
    return [parts.shadow, parts.target, parts.item_features]


@BOTH
def test_parts_are_disjoint_and_their_union_is_the_whole(division):
    whole = world()

    found = [pairs(part) for part in three(divide(whole, DivisionSpec(division, seed=1, min_interactions=1)))]

    assert sum(len(part) for part in found) == whole.n_interactions
    assert set.union(*found) == pairs(whole)


@BOTH
def test_the_filter_drops_short_users_of_two_parts_and_nothing_else(division):
    whole = world()
    before = divide(whole, DivisionSpec(division, seed=1, min_interactions=1))

    after = divide(whole, DivisionSpec(division, seed=1, min_interactions=9))

    for part, unfiltered in zip(three(after)[:2], three(before)[:2], strict=True):
        long_enough = np.flatnonzero(unfiltered.history_lengths >= 9)
        assert part.content_hash == unfiltered.take_users(long_enough).content_hash
    assert after.item_features.content_hash == before.item_features.content_hash


@BOTH
def test_every_part_has_the_full_catalogue(division):
    whole = world()

    parts = three(divide(whole, DivisionSpec(division, seed=1, min_interactions=1)))

    assert all(part.item_ids == whole.item_ids for part in parts)
    assert all(part.histories.has_sorted_indices and set(part.histories.data) == {1.0} for part in parts)


@BOTH
def test_the_same_seed_gives_the_same_parts_and_another_seed_others(division):
    first, again, other = (
        [
            part.content_hash
            for part in three(divide(world(), DivisionSpec(division, seed=s, min_interactions=5)))
        ]
        for s in (1, 1, 2)
    )

    assert first == again
    assert not set(first) & set(other)


def test_by_user_shares_no_user_and_keeps_histories_whole():
    whole = world()
    length_of = dict(zip(whole.user_ids.names, whole.history_lengths.tolist(), strict=True))

    parts = three(divide(whole, DivisionSpec(Division.BY_USER, seed=1, min_interactions=1)))

    names = [set(part.user_ids.names) for part in parts]
    assert sum(len(part) for part in names) == len(set.union(*names)) == 300
    for part in parts:
        assert part.history_lengths.tolist() == [length_of[name] for name in part.user_ids.names]


def test_by_interaction_spreads_a_person_over_the_parts():
    parts = divide(world(), DivisionSpec(Division.BY_INTERACTION, seed=1, min_interactions=1))

    assert len(set(parts.shadow.user_ids.names) & set(parts.target.user_ids.names)) > 290


def test_parts_have_their_shares():
    """7,400 or so fair draws: 4 standard deviations are 0.023."""
    whole = world()
    spec = DivisionSpec(Division.BY_INTERACTION, seed=1, shares=(0.5, 0.3, 0.2), min_interactions=1)

    parts = three(divide(whole, spec))

    found = [part.n_interactions / whole.n_interactions for part in parts]
    assert found == pytest.approx([0.5, 0.3, 0.2], abs=0.023)


def test_the_input_is_unchanged():
    whole = world()
    data, indices = whole.histories.data.copy(), whole.histories.indices.copy()

    divide(whole, DivisionSpec(Division.BY_INTERACTION, seed=1, min_interactions=1))

    assert np.array_equal(whole.histories.data, data)
    assert np.array_equal(whole.histories.indices, indices)


@BOTH
def test_an_empty_part_is_named_with_the_minimum(division):
    spec = DivisionSpec(division, seed=1, min_interactions=81)

    with pytest.raises(BadInput, match="the shadow part is empty: of 300 users none has 81 or more"):
        divide(world(), spec)


def test_a_world_of_one_user_cannot_be_divided_by_user():
    with pytest.raises(BadInput, match="part is empty"):
        divide(world(n_users=1), DivisionSpec(Division.BY_USER, seed=1, min_interactions=1))


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (1.0, 0.0, 0.0), (1.2, -0.1, -0.1)])
def test_shares_must_be_positive_and_fill_the_whole(shares):
    with pytest.raises(ValueError, match="three positive shares"):
        DivisionSpec(Division.BY_USER, seed=1, shares=shares)


def test_a_minimum_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1, found 0"):
        DivisionSpec(Division.BY_USER, seed=1, min_interactions=0)


@given(n_users=st.integers(2, 200), seed=st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_members_are_exactly_half_of_those_kept(n_users, seed):
    is_member, kept = draw_members(n_users, rng=np.random.default_rng(seed))

    assert is_member.shape == (n_users,)
    assert len(kept) == n_users - n_users % 2
    assert np.array_equal(kept, np.unique(kept))
    assert is_member[kept].sum() == is_member.sum() == len(kept) // 2


def test_the_coin_is_fair_to_every_user():
    """2,000 tosses for 5 users, a member 2 times in 5, left out 1 in 5: 4 standard deviations are 0.044."""
    tosses = [draw_members(5, rng=np.random.default_rng(seed)) for seed in range(2000)]

    member = np.mean([is_member for is_member, _ in tosses], axis=0)
    kept = np.bincount(np.concatenate([rows for _, rows in tosses]), minlength=5) / 2000
    assert member == pytest.approx(np.full(5, 0.4), abs=0.044)
    assert kept == pytest.approx(np.full(5, 0.8), abs=0.044)


@pytest.mark.parametrize("n_users", [0, 1])
def test_members_need_two_users(n_users):
    with pytest.raises(ValueError, match=f"at least 2 users to be drawn from, found {n_users}"):
        draw_members(n_users, rng=np.random.default_rng(1))
