"""What the public routes answer from: lists in memory, every item's JSON made beforehand.

A request touches no database, and no lock but its own count's. Answers are put together as bytes, because
building and validating models would take longer than all the rest; a test holds them against the contract.

A known user and an id never seen go the same way: the stranger has a row of its own, behind the last user's.
"""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from json.encoder import encode_basestring_ascii as encode

import numpy as np
from numpy.typing import NDArray

from services.target.counting import QueryLog
from services.target.list_json import NO_LIST, BatchJson, ItemJson
from shared.arrays import Bools
from shared.errors import BadInput, NotFound, RecLeakError
from shared.interactions import Ids
from shared.recommenders.base import Recommender

_CURSOR = re.compile(r"r[0-9a-f]{1,12}")


@dataclass(frozen=True)
class ServedDeployment:
    """A deployment that is ready.

    items      (n_users + 1, k_cap) int32, item rows, best first; the last row is any stranger's list
    lengths    (n_users + 1,) int32 in [0, k_cap]
    is_found   (n_users + 1,) bool; False = the answer is 404
    popular    (n,) int32, item rows, best first, n = min(k_cap, n_items)
    indptr, indices  the users' histories, as in a csr matrix
    model      makes lists from histories; None = there are none to be had
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
    model: Recommender | None = None

    def check_k(self, k: int | None) -> int:
        """Give the list length to serve; None = 100, or the cap if that is smaller.

        Raises BadInput if k is below 1 or above the cap.
        """
        if k is None:
            return min(100, self.k_cap)
        if not 1 <= k <= self.k_cap:
            raise BadInput(f"k must lie in 1 to {self.k_cap}, the cap of this deployment; found {k}")
        return k

    def row_of(self, user_id: str) -> int | None:
        """Give the row of a known user; None for a stranger."""
        return self.user_ids.row_of(user_id)

    def has_list(self, row: int | None) -> bool:
        """Say whether the answer is a list, and not 404."""
        return bool(self.is_found[self._place(row)])

    def list_for(self, user_id: str, row: int | None, k: int, client: str) -> bytes:
        """Count a list and give it: `Recommendations` as JSON; the row is the user's, who has a list."""
        self.queries.add(client, k, row, user_id)
        place = self._place(row)
        items = self.item_json.join(self.items[place, : min(k, self.lengths[place])])
        return b'{"user_id":%b,"items":[%b]}' % (encode(user_id).encode(), items)

    def recommendations(self, user_id: str, k: int, client: str) -> bytes:
        """Answer for one user: `Recommendations` as JSON.

        Raises NotFound if strangers get no list and this is one.
        """
        row = self.row_of(user_id)
        if not self.has_list(row):
            self.queries.add(client, k, row, user_id)
            raise NotFound(f"there are no recommendations for the user {user_id[:80]!r}")
        return self.list_for(user_id, row, k, client)

    def batch(self, user_ids: Sequence[str], k: int, client: str) -> BatchJson:
        """Answer for many users, at least one: `BatchAnswer` as JSON, made while it is sent."""
        rows = list(map(self.user_ids.row_of, user_ids))
        self.queries.add_many(client, k, rows, user_ids)
        places = np.array(list(map(self._place, rows)), dtype=np.int64)
        lengths = np.where(self.is_found[places], np.minimum(self.lengths[places], k), NO_LIST)
        return self.item_json.batch(user_ids, self.items, places, lengths.astype(np.int32))

    def popular_items(self, k: int) -> bytes:
        """The popularity list: `PopularItems` as JSON."""
        return b'{"items":[%b]}' % self.item_json.join(self.popular[:k])

    def item_page(self, start: int, limit: int) -> bytes:
        """A page of the catalogue: `ItemPage` as JSON."""
        end = min(start + limit, len(self.item_ids))
        return _page(b"items", self.item_json.page(start, end), end, len(self.item_ids))

    def user_page(self, start: int, limit: int) -> bytes:
        """A page of the users with a public profile: `UserPage` as JSON."""
        end = min(start + limit, len(self.user_ids))
        names = [encode(name).encode() for name in self.user_ids.names[start:end]]
        return _page(b"users", b",".join(names), end, len(self.user_ids))

    def history(self, user_id: str) -> bytes:
        """A user's public profile: `History` as JSON. Raises NotFound for an id that is not known."""
        row = self.user_ids.row_of(user_id)
        if row is None:
            raise NotFound(
                f"there is no public profile of the user {user_id[:80]!r}; GET /v1/users lists all"
            )
        items = self.item_json.join(self.indices[self.indptr[row] : self.indptr[row + 1]])
        return b'{"user_id":%b,"items":[%b]}' % (encode(user_id).encode(), items)

    @property
    def stranger(self) -> int:
        """The row of whoever is not known."""
        return len(self.user_ids)

    def prepare(self) -> None:
        """Make now what the first requests would wait for, compiled loops included."""
        _ = self.plain_queries
        nobody = np.array([self.stranger])
        _ = self.item_json.join(self.items[0, :0]), self.item_json.join(self.popular[:0])
        for _ in self.item_json.batch([""], self.items, nobody, np.zeros(1, dtype=np.int32)).parts:
            pass
        if self.model is not None:
            histories = self.model.histories
            somebody = np.flatnonzero(np.diff(histories.indptr))[
                :1
            ]  # nobody's empty history can be folded in
            self.model.fold_in(histories[somebody], k=1)

    @cached_property
    def item_json(self) -> ItemJson:
        """Every item's id as JSON."""
        return ItemJson.of(self.item_ids.names)

    @cached_property
    def plain_queries(self) -> Mapping[bytes, int]:
        """The list length by query string: nothing, or a k within the cap, written as it mostly is."""
        named = {b"k=%d" % k: k for k in range(1, self.k_cap + 1)}
        return {b"": self.check_k(None), **named}

    def _place(self, row: int | None) -> int:
        return self.stranger if row is None else row


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
        found = self.find(deployment_id)
        if found is None:
            raise NotFound(f"the deployment {deployment_id[:80]!r} is not served here")
        return found

    def find(self, deployment_id: str) -> ServedDeployment | None:
        """Give a deployment; None if it is not served."""
        return self._deployments.get(deployment_id)

    def add(self, deployment: ServedDeployment) -> None:
        """Serve one more."""
        deployment.prepare()
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


def _page(name: bytes, entries: bytes, end: int, total: int) -> bytes:
    following = b'"%b"' % cursor_of(end).encode() if end < total else b"null"
    return b'{"%b":[%b],"next_cursor":%b}' % (name, entries, following)


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
