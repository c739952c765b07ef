"""What a target answered, whoever carried it: lists of outside item ids, with those who were not found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.arrays import Bools
from shared.interactions import Ids
from shared.ranked_lists import NO_ITEM, RankedLists

_ENDING = "\0"  # no id contains it


@dataclass(frozen=True)
class Answers:
    """One answer per user, in the order asked.

    item_ids   every item named in the lists, in order of first mention
    lists      rows are rows of `item_ids`
    is_absent  (n_users,) bool: "not found" instead of a list
    """

    item_ids: Ids
    lists: RankedLists
    is_absent: Bools

    @staticmethod
    def from_names(lists: Sequence[Sequence[str] | None], *, k: int) -> "Answers":
        """Gather answers as they come over the wire; None = not found.

        Raises ValueError, naming the place, if a list is longer than k or names an item twice.
        """
        gathering = Gathering(len(lists), k=k)
        for place, names in enumerate(lists):
            gathering.add(place, names)
        return gathering.answers()

    @staticmethod
    def concatenate(parts: Sequence["Answers"]) -> "Answers":
        """Put the users of several parts, of one k, below each other."""
        names = tuple(dict.fromkeys(name for part in parts for name in part.item_ids.names))
        item_ids = Ids(names)
        return Answers(
            item_ids,
            RankedLists.concatenate([part.lists_in(item_ids) for part in parts]),
            np.concatenate([part.is_absent for part in parts]),
        )

    def lists_in(self, catalogue: Ids) -> RankedLists:
        """Give the lists in rows of another catalogue.

        Raises ValueError if an item is not in it.
        """
        rows, n_unknown = catalogue.rows_of(self.item_ids.names)
        if n_unknown:
            raise ValueError(f"{n_unknown} items are not in the catalogue")
        translation = np.append(rows, NO_ITEM).astype(np.int32)  # the last place translates NO_ITEM
        return RankedLists(translation[self.lists.items], self.lists.lengths)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Pack for storage."""
        return {
            "item_ids": self.item_ids.to_array(),
            "items": self.lists.items,
            "lengths": self.lists.lengths,
            "is_absent": self.is_absent,
        }

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> "Answers":
        """Unpack what `to_arrays` packed."""
        lists = RankedLists(arrays["items"], arrays["lengths"])
        return Answers(Ids.from_array(arrays["item_ids"]), lists, arrays["is_absent"])


class Gathering:
    """Answers as they come in, one by one and in any order; a user who is not told about was not found.

    What is kept of a list is its text: looking a hundred names up between two requests finds little of the
    table in the processor's cache and takes four times as long as numbering those of all lists at the end.
    """

    def __init__(self, n_users: int, *, k: int) -> None:
        self._k = k
        self._texts = [""] * n_users
        self._lengths = np.zeros(n_users, dtype=np.int32)
        self._is_absent = np.ones(n_users, dtype=np.bool_)

    def add(self, place: int, names: Sequence[str] | None) -> None:
        """Take the answer about one user; None = not found. Raises ValueError if it is longer than k."""
        if names is None:
            return
        if len(names) > self._k:
            raise ValueError(f"answer {place} has {len(names)} items, asked for were {self._k}")
        self._texts[place] = _ENDING.join((*names, ""))
        self._lengths[place] = len(names)
        self._is_absent[place] = False

    def answers(self) -> Answers:
        """Give all, the same in whatever order they came in. Raises ValueError if a list repeats an item."""
        names, mentions = _numbered("".join(self._texts).encode())
        items = np.full((len(self._texts), self._k), NO_ITEM, dtype=np.int32)
        items[np.arange(self._k) < self._lengths[:, None]] = mentions
        _check_distinct(items)
        return Answers(Ids(names), RankedLists(items, self._lengths), self._is_absent)


def _numbered(written: bytes) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Number names, each ended by a zero, in order of first mention.

    returns  the names, and the number of each mention: (n_mentions,) int32
    """
    ends = np.flatnonzero(np.frombuffer(written, dtype=np.uint8) == 0) + 1
    bounds = np.concatenate([[0], ends]).astype(np.int64)
    buffers = pa.py_buffer(bounds), pa.py_buffer(written)
    mentions = pa.LargeStringArray.from_buffers(len(ends), *buffers).dictionary_encode()
    names = tuple(name.removesuffix(_ENDING) for name in mentions.dictionary.to_pylist())
    return names, mentions.indices.to_numpy().astype(np.int32)


def _check_distinct(items: NDArray[np.int32]) -> None:
    ordered = np.sort(items, axis=1)
    is_twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != NO_ITEM)
    for place in np.flatnonzero(is_twice.any(axis=1)):
        raise ValueError(f"answer {place} names an item twice")
