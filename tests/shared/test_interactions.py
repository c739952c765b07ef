"""Ids and rows never mix, and the order of a file changes nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.interactions import Ids, Interactions

PAIRS = [("10", "b"), ("2", "a"), ("2", "b"), ("x", "a"), ("2", "a")]
names = st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), unique=True)


def test_numbers_order_by_value_and_before_names():
    ids = Interactions.from_pairs([(name, "i") for name in ["x", "10", "2", "9" * 5000, "01", "1"]]).user_ids

    assert ids.names == ("01", "1", "2", "10", "9" * 5000, "x")


def test_repeats_count_once():
    world = Interactions.from_pairs(PAIRS)

    assert world.n_interactions == 4
    assert world.history_lengths.tolist() == [2, 1, 1]
    assert world.item_counts.tolist() == [2, 2]
    assert world.histories.toarray().tolist() == [[1, 1], [0, 1], [1, 0]]


@given(st.randoms())
def test_the_order_of_pairs_changes_nothing(random):
    shuffled = list(PAIRS)
    random.shuffle(shuffled)

    assert Interactions.from_pairs(shuffled).content_hash == Interactions.from_pairs(PAIRS).content_hash


def test_another_pair_is_another_hash():
    assert (
        Interactions.from_pairs(PAIRS[:3]).content_hash
        != Interactions.from_pairs([*PAIRS[:2], ("10", "a")]).content_hash
    )


@given(names)
def test_names_survive_storage(found):
    ids = Ids(tuple(found))

    assert Ids.from_array(ids.to_array()) == ids


def test_unknown_names_are_counted_not_dropped_in_silence():
    rows, n_unknown = Ids(("a", "b")).rows_of(["b", "?", "a"])

    assert rows.tolist() == [1, 0]
    assert n_unknown == 1


def test_a_repeated_name_is_refused():
    with pytest.raises(ValueError, match="two rows"):
        Ids(("a", "a"))


def test_a_selection_keeps_the_catalogue():
    few = Interactions.from_pairs(PAIRS).take_users(np.array([2, 0]))

    assert few.user_ids.names == ("x", "2")
    assert few.item_ids.names == ("a", "b")
    assert few.histories.toarray().tolist() == [[1, 0], [1, 1]]
