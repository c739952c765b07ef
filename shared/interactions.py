"""Who interacted with what: one sparse matrix, and the outside names of its rows and columns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from shared.arrays import Histories, Rows, content_hash


@dataclass(frozen=True)
class Ids:
    """The outside names of rows: `user_id` and `item_id` are names, `user_row` and `item_row` are indices.

    names  no repeats; row i is called names[i]
    Raises ValueError on a repeated name.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self._rows) != len(self.names):
            raise ValueError("an id stands for two rows")

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def row_of(self, name: str) -> int | None:
        """Give the row that a name stands for; None if it stands for none."""
        return self._rows.get(name)

    def rows_of(self, names: Iterable[str]) -> tuple[Rows, int]:
        """Look names up: the rows of those known, in order, and how many were unknown."""
        found = [self._rows.get(name, -1) for name in names]
        rows = np.array([row for row in found if row >= 0], dtype=np.int64)
        return rows, len(found) - len(rows)

    def names_of(self, rows: Iterable[int] | NDArray[np.integer]) -> list[str]:
        """Give the names of rows, in order."""
        return [self.names[row] for row in rows]

    def take(self, rows: NDArray[np.integer]) -> "Ids":
        """Name a selection of rows."""
        return Ids(tuple(self.names_of(rows.tolist())))

    def to_array(self) -> NDArray[np.uint8]:
        """Pack the names for storage: UTF-8, each ended by a zero byte."""
        return np.frombuffer("".join(f"{name}\x00" for name in self.names).encode(), dtype=np.uint8)

    @staticmethod
    def from_array(packed: NDArray[np.uint8]) -> "Ids":
        """Unpack what `to_array` packed."""
        return Ids(tuple(packed.tobytes().decode().split("\x00")[:-1]))

    @cached_property
    def content_hash(self) -> str:
        """16 hexadecimal digits that depend on every name and its place."""
        return content_hash(self.to_array())


@dataclass(frozen=True)
class Interactions:
    """Implicit feedback: a user interacted with an item, or did not.

    histories  (n_users, n_items) csr, float32, 1.0 where they interacted; sorted indices, no stored zeros
    user_ids   names of the rows
    item_ids   names of the columns
    Raises ValueError if names and matrix do not fit.
    """

    histories: Histories
    user_ids: Ids
    item_ids: Ids

    def __post_init__(self) -> None:
        if self.histories.shape != (len(self.user_ids), len(self.item_ids)):
            raise ValueError(
                f"histories must have shape {(len(self.user_ids), len(self.item_ids))}, "
                f"found {self.histories.shape}"
            )

    @property
    def n_users(self) -> int:
        """How many users there are, those with an empty history included."""
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        """How many items the catalogue has."""
        return len(self.item_ids)

    @property
    def n_interactions(self) -> int:
        """How many (user, item) pairs there are."""
        return int(self.histories.nnz)

    @cached_property
    def history_lengths(self) -> NDArray[np.int64]:
        """(n_users,) int64: items per user."""
        return np.diff(self.histories.indptr).astype(np.int64)

    @cached_property
    def item_counts(self) -> NDArray[np.int64]:
        """(n_items,) int64: users per item."""
        return np.bincount(self.histories.indices, minlength=self.n_items).astype(np.int64)

    @cached_property
    def content_hash(self) -> str:
        """16 hexadecimal digits that depend on the pairs and on every name."""
        names = np.frombuffer((self.user_ids.content_hash + self.item_ids.content_hash).encode(), np.uint8)
        return content_hash(
            self.histories.indptr.astype(np.int64), self.histories.indices.astype(np.int64), names
        )

    def take_users(self, user_rows: NDArray[np.integer]) -> "Interactions":
        """Keep some users, in the order asked for; the catalogue stays whole."""
        return Interactions(self.histories[user_rows], self.user_ids.take(user_rows), self.item_ids)

    @staticmethod
    def from_frame(frame: pd.DataFrame) -> "Interactions":
        """Build from the columns `user` and `item`; further columns are ignored, repeats count once.

        Rows are ordered by id, numbers by value and before other names: the order of a file changes nothing.
        """
        users, user_ids = _codes(frame["user"])
        items, item_ids = _codes(frame["item"])
        return Interactions(binary_matrix(users, items, (len(user_ids), len(item_ids))), user_ids, item_ids)

    @staticmethod
    def from_pairs(pairs: Sequence[tuple[str, str]]) -> "Interactions":
        """Build from (user_id, item_id) pairs."""
        return Interactions.from_frame(pd.DataFrame(pairs, columns=["user", "item"]))


def binary_matrix(
    user_rows: NDArray[np.integer], item_rows: NDArray[np.integer], shape: tuple[int, int]
) -> Histories:
    """Build histories from pairs of rows: 1.0 at each pair, repeats count once, indices sorted."""
    ones = np.ones(len(user_rows), dtype=np.float32)
    matrix = sparse.coo_array((ones, (user_rows, item_rows)), shape=shape).tocsr()
    matrix.sum_duplicates()
    matrix.sort_indices()
    matrix.data[:] = 1.0
    return matrix


def _codes(column: "pd.Series[str]") -> tuple[NDArray[np.int64], Ids]:
    codes, found = pd.factorize(column.astype(str))
    names = [str(name) for name in found]
    order = sorted(range(len(names)), key=lambda code: _id_order(names[code]))
    row_of_code = np.empty(len(names), dtype=np.int64)
    row_of_code[order] = np.arange(len(names))
    return row_of_code[codes], Ids(tuple(names[code] for code in order))


def _id_order(name: str) -> tuple[int, int, str, str]:
    """Numbers by value, however long, then everything else by its letters."""
    if name.isascii() and name.isdigit():
        digits = name.lstrip("0")
        return 0, len(digits), digits, name
    return 1, 0, name, name
