"""What a recommender hands out: for each user an ordered list of items, best first, without scores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.arrays import check_shape

NO_ITEM = -1  # fills the places behind a list that is shorter than k; never read as an item


@dataclass(frozen=True)
class RankedLists:
    """Ordered lists of item rows for many users.

    items    (n_users, k) int32, item rows, best first, no repeats; NO_ITEM behind the end of a short list
    lengths  (n_users,) int32 in [0, k]
    Raises ValueError if shapes do not fit or an item stands behind the end of its list.
    """

    items: NDArray[np.int32]
    lengths: NDArray[np.int32]

    def __post_init__(self) -> None:
        check_shape("items", self.items, (None, None))
        check_shape("lengths", self.lengths, (len(self.items),))
        if np.any((self.items != NO_ITEM) != self.is_filled()):
            raise ValueError("a place before the end of its list is empty, or one behind it is filled")

    @property
    def n_users(self) -> int:
        """How many users have a list, an empty one included."""
        return len(self.items)

    @property
    def k(self) -> int:
        """The longest list that fits."""
        return int(self.items.shape[1])

    def is_filled(self) -> NDArray[np.bool_]:
        """Say which places hold an item: (n_users, k) bool."""
        filled: NDArray[np.bool_] = np.arange(self.items.shape[1])[None, :] < self.lengths[:, None]
        return filled

    def of(self, row: int) -> NDArray[np.int32]:
        """Give one user's list: (length,) int32."""
        return self.items[row, : self.lengths[row]]

    def take(self, rows: NDArray[np.integer]) -> "RankedLists":
        """Give the lists of some users, in the order asked for."""
        return RankedLists(items=self.items[rows], lengths=self.lengths[rows])

    def top(self, k: int) -> "RankedLists":
        """Cut every list to its first k items."""
        return RankedLists(items=self.items[:, :k], lengths=np.minimum(self.lengths, k).astype(np.int32))

    @staticmethod
    def full(items: NDArray[np.integer]) -> "RankedLists":
        """Wrap lists that all have the same length: (n_users, k), every place an item."""
        return RankedLists(
            items=items.astype(np.int32), lengths=np.full(len(items), items.shape[1], dtype=np.int32)
        )

    @staticmethod
    def from_ragged(lists: "list[NDArray[np.integer]]", *, k: int) -> "RankedLists":
        """Gather lists of unequal length; each at most k long."""
        items = np.full((len(lists), k), NO_ITEM, dtype=np.int32)
        lengths = np.array([len(one) for one in lists], dtype=np.int32)
        for row, one in enumerate(lists):
            items[row, : len(one)] = one
        return RankedLists(items=items, lengths=lengths)

    @staticmethod
    def concatenate(parts: "list[RankedLists]") -> "RankedLists":
        """Put the users of several parts, of one k, below each other."""
        return RankedLists(
            items=np.concatenate([part.items for part in parts]),
            lengths=np.concatenate([part.lengths for part in parts]),
        )
