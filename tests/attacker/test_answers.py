"""Answers keep every place of every list, whoever carried them and however they are cut."""

from itertools import permutations

import numpy as np
import pytest

from services.attacker.answers import Answers, Gathering
from shared.interactions import Ids

LISTS = [["b", "a"], None, [], ["c", "a", "b"]]


def names(answers):
    return [
        None if absent else answers.item_ids.names_of(answers.lists.of(row))
        for row, absent in enumerate(answers.is_absent)
    ]


def test_names_come_back_as_they_went_in():
    assert names(Answers.from_names(LISTS, k=3)) == LISTS


def test_stored_answers_are_the_same():
    answers = Answers.from_names(LISTS, k=3)

    assert names(Answers.from_arrays(answers.to_arrays())) == LISTS


def test_parts_concatenate_to_the_whole():
    parts = [Answers.from_names(LISTS[:1], k=3), Answers.from_names(LISTS[1:], k=3)]

    assert names(Answers.concatenate(parts)) == LISTS


def test_lists_in_another_catalogue():
    lists = Answers.from_names(LISTS, k=3).lists_in(Ids(("a", "b", "c", "d")))

    assert lists.items.tolist() == [[1, 0, -1], [-1, -1, -1], [-1, -1, -1], [2, 0, 1]]


def test_an_unknown_item_is_not_dropped_in_silence():
    with pytest.raises(ValueError, match="1 items are not in the catalogue"):
        Answers.from_names(LISTS, k=3).lists_in(Ids(("a", "b")))


@pytest.mark.parametrize(
    ("lists", "message"), [([["a", "b"]], "asked for were 1"), ([["a", "a"]], "answer 0 ")]
)
def test_impossible_answers_are_refused(lists, message):
    with pytest.raises(ValueError, match=message):
        Answers.from_names(lists, k=1 if "asked" in message else 2)


def test_no_list_at_all_is_legal():
    assert names(Answers.from_names([None, []], k=2)) == [None, []]
    assert np.array_equal(Answers.from_names([None, []], k=2).lists.lengths, [0, 0])


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_answers_are_the_same_in_whatever_order_they_come_in(order):
    gathering = Gathering(4, k=3)

    for place in order:
        gathering.add(place, LISTS[place])

    found, expected = gathering.answers(), Answers.from_names(LISTS, k=3)
    assert found.item_ids.names == expected.item_ids.names == ("b", "a", "c")
    for name, array in expected.to_arrays().items():
        assert np.array_equal(found.to_arrays()[name], array)
