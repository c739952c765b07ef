"""What the public routes answer from: lists in memory, every item's JSON made beforehand.

A request touches no database and no lock. Answers are put together as bytes, because building and validating
models would take longer than all the rest; a test holds them against the contract.

A known user and an id never seen go the same way: the stranger has a row of its own, behind the last user's.
"""

import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.target.counting import QueryLog
from shared.arrays import Bools
from shared.errors import BadInput, NotFound, RecLeakError
from shared.interactions import Ids

_CURSOR = re.compile(r"r[0-9a-f]{1,12}")
encode = json.encoder.encode_basestring_ascii
"""A string as JSON; the C function behind json.dumps."""


@dataclass(frozen=True)
class ServedDeployment:
    """A deployment that is ready.

    items      (n_users + 1, k_cap) int32, item rows, best first; the last row is any stranger's list
    lengths    (n_users + 1,) int32 in [0, k_cap]
    is_found   (n_users + 1,) bool; False = the answer is 404
    popular    (n,) int32, item rows, best first, n = min(k_cap, n_items)
    indptr, indices  the users' histories, as in a csr matrix
    """

    id: str
    k_cap: int
    user_ids: Ids
    item_ids: Ids
    items: NDArray[np.int32]
    lengths: NDArray[np.int32]
    is_found: Bools
    popular: NDArray[np.int32]
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    queries: QueryLog

    def check_k(self, k: int | None) -> int:
        """Give the list length to serve; None = 100, or the cap if that is smaller.

        Raises BadInput if k is below 1 or above the cap.
        """
        if k is None:
            return min(100, self.k_cap)
        if not 1 <= k <= self.k_cap:
            raise BadInput(f"k must lie in 1 to {self.k_cap}, the cap of this deployment; found {k}")
        return k

    def recommendations(self, user_id: str, k: int, client: str) -> bytes:
        """Answer for one user: `Recommendations` as JSON.

        Raises NotFound if strangers get no list and this is one.
        """
        row = self.user_ids.row_of(user_id)
        self.queries.add(client, k, row, user_id)
        place = self.stranger if row is None else row
        if not self.is_found[place]:
            raise NotFound(f"there are no recommendations for the user {user_id[:80]!r}")
        rows = self.items[place, : min(k, self.lengths[place])].tolist()
        return b'{"user_id":%b,"items":[%b]}' % (encode(user_id).encode(), self._join(rows))

    def batch(self, user_ids: Sequence[str], k: int, client: str) -> bytes:
        """Answer for many users: `BatchAnswer` as JSON."""
        row_of = self.user_ids.row_of
        rows = [row_of(user_id) for user_id in user_ids]
        self.queries.add_many(client, k, rows, user_ids)
        places = np.array([self.stranger if row is None else row for row in rows], dtype=np.int64)
        lists = self.items[places, :k].tolist()
        lengths = np.minimum(self.lengths[places], k).tolist()
        entries = [
            b'{"user_id":%b,"items":%b}'
            % (encode(user_id).encode(), b"[%b]" % self._join(one[:length]) if is_found else b"null")
            for user_id, one, length, is_found in zip(
                user_ids, lists, lengths, self.is_found[places].tolist(), strict=True
            )
        ]
        return b'{"recommendations":[%b]}' % b",".join(entries)

    def popular_items(self, k: int) -> bytes:
        """The popularity list: `PopularItems` as JSON."""
        return b'{"items":[%b]}' % self._join(self.popular[:k].tolist())

    def item_page(self, start: int, limit: int) -> bytes:
        """A page of the catalogue: `ItemPage` as JSON."""
        end = min(start + limit, len(self.item_ids))
        return _page(b"items", self.item_json[start:end], end, len(self.item_ids))

    def user_page(self, start: int, limit: int) -> bytes:
        """A page of the users with a public profile: `UserPage` as JSON."""
        end = min(start + limit, len(self.user_ids))
        names = [encode(name).encode() for name in self.user_ids.names[start:end]]
        return _page(b"users", names, end, len(self.user_ids))

    def history(self, user_id: str) -> bytes:
        """A user's public profile: `History` as JSON. Raises NotFound for an id that is not known."""
        row = self.user_ids.row_of(user_id)
        if row is None:
            raise NotFound(
                f"there is no public profile of the user {user_id[:80]!r}; GET /v1/users lists all"
            )
        rows = self.indices[self.indptr[row] : self.indptr[row + 1]].tolist()
        return b'{"user_id":%b,"items":[%b]}' % (encode(user_id).encode(), self._join(rows))

    @property
    def stranger(self) -> int:
        """The row of whoever is not known."""
        return len(self.user_ids)

    @cached_property
    def item_json(self) -> list[bytes]:
        """Every item's id as JSON, by row."""
        return [encode(name).encode() for name in self.item_ids.names]

    def _join(self, rows: list[int]) -> bytes:
        return b",".join(map(self.item_json.__getitem__, rows))


class Serving:
    """All deployments that are ready, one of them active; changes replace, so that readers need no lock."""

    def __init__(self) -> None:
        self._deployments: dict[str, ServedDeployment] = {}
        self.active: ServedDeployment | None = None
        self._switch = threading.Lock()

    @contextmanager
    def switching(self) -> Iterator[None]:
        """Hold while the active one changes here and in the database; an error undoes the change here."""
        with self._switch:
            before = self.active
            try:
                yield
            except RecLeakError:
                self.active = before
                raise

    def get(self, deployment_id: str) -> ServedDeployment:
        """Give a deployment. Raises NotFound if it is not served."""
        found = self._deployments.get(deployment_id)
        if found is None:
            raise NotFound(f"the deployment {deployment_id[:80]!r} is not served here")
        return found

    def add(self, deployment: ServedDeployment) -> None:
        """Serve one more."""
        _ = deployment.item_json  # made now, not by the first request
        self._deployments = {**self._deployments, deployment.id: deployment}

    def activate(self, deployment_id: str) -> None:
        """Let `/v1/...` answer from this one. Raises NotFound if it is not served."""
        self.active = self.get(deployment_id)

    def remove(self, deployment_id: str) -> None:
        """Serve it no longer; nothing happens if it was not served."""
        self._deployments = {k: v for k, v in self._deployments.items() if k != deployment_id}
        if self.active is not None and self.active.id == deployment_id:
            self.active = None

    def query_logs(self) -> list[QueryLog]:
        """The query logs of all."""
        return [deployment.queries for deployment in self._deployments.values()]


def _page(name: bytes, entries: list[bytes], end: int, total: int) -> bytes:
    following = b'"%b"' % cursor_of(end).encode() if end < total else b"null"
    return b'{"%b":[%b],"next_cursor":%b}' % (name, b",".join(entries), following)


def cursor_of(row: int) -> str:
    """Name the place where the next page begins; opaque to clients."""
    return f"r{row:x}"


def row_at(cursor: str | None) -> int:
    """Read a cursor; None = the beginning. Raises BadInput if it is not one of ours."""
    if cursor is None:
        return 0
    if not _CURSOR.fullmatch(cursor):
        raise BadInput("the cursor is not one that this service gave; begin without one")
    return int(cursor[1:], 16)
