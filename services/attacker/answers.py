"""What a target answered, whoever carried it: lists of outside item ids, with those who were not found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Bools
from shared.interactions import Ids
from shared.ranked_lists import NO_ITEM, RankedLists


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
        rows: dict[str, int] = {}
        items = np.full((len(lists), k), NO_ITEM, dtype=np.int32)
        lengths = np.zeros(len(lists), dtype=np.int32)
        for place, names in enumerate(lists):
            if not names:
                continue
            if len(names) > k:
                raise ValueError(f"answer {place} has {len(names)} items, asked for were {k}")
            found = [rows.setdefault(name, len(rows)) for name in names]
            if len(set(found)) != len(found):
                raise ValueError(f"answer {place} names an item twice")
            items[place, : len(found)] = found
            lengths[place] = len(found)
        is_absent = np.array([names is None for names in lists], dtype=np.bool_)
        return Answers(Ids(tuple(rows)), RankedLists(items, lengths), is_absent)

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
