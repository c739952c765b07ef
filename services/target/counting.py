"""Counts the lists that each client was given: in memory at once, in the database a moment later.

A count is a few additions, so that it does not slow the read route. Whether a list was asked for before is
one bit per client, list length and user: exact, small, and kept in the database as it is.

Clients are strangers, who can come from ever new addresses and at any list length, so TALLIES_MAX pairs of
client and list length are told apart. Whoever comes later is counted under the one name OTHERS, at all list
lengths together: every list still counts, and every user once among the distinct ones, but a list that two of
them asked for, or one of them at two lengths, counts as repeated. So the bits of a deployment with a million
users, and as many unknown ids, stay below 256 MB.
"""

import hashlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shared.contract.target import QueryCounts

STRANGERS_MAX = 1_000_000
"""Unknown ids told apart per deployment; further ones count as lists, no longer as distinct or repeated."""
TALLIES_MAX = 1_000
"""Pairs of client and list length told apart per deployment."""
OTHERS = "others"
"""Whoever came after TALLIES_MAX pairs."""
_ANY_K = 0


@dataclass(frozen=True)
class StoredCount:
    """What one client asked at one list length, as the database keeps it."""

    client: str
    k: int
    lists: int
    repeated: int
    asked: bytes


@dataclass(frozen=True)
class Counted:
    """What changed since it was last stored.

    strangers  (place, digest) of unknown ids seen since then
    """

    deployment_id: str
    counts: tuple[StoredCount, ...]
    strangers: tuple[tuple[int, bytes], ...]


@dataclass(slots=True)
class _Tally:
    lists: int = 0
    repeated: int = 0
    asked: bytearray = field(default_factory=bytearray)
    is_changed: bool = False

    def add(self, place: int | None) -> None:
        if place is None:
            return
        byte, bit = place >> 3, 1 << (place & 7)
        asked = self.asked
        if byte >= len(asked):
            asked.extend(bytes(byte + 1 - len(asked)))
        if asked[byte] & bit:
            self.repeated += 1
        else:
            asked[byte] |= bit


class QueryLog:
    """The queries to one deployment.

    n_known    users it knows; their places are their rows, unknown ids get the places behind them
    stored     counts and digests (by place) from the database
    tallies_max  pairs of client and list length told apart, besides OTHERS
    """

    def __init__(
        self,
        deployment_id: str,
        n_known: int,
        stored: Iterable[StoredCount] = (),
        digests: Sequence[bytes] = (),
        *,
        tallies_max: int = TALLIES_MAX,
    ) -> None:
        self.deployment_id = deployment_id
        self._n_known = n_known
        self._tallies_max = tallies_max
        self._lock = threading.Lock()
        self._tallies: dict[tuple[str, int], _Tally] = {}
        for count in stored:
            tally = _Tally(count.lists, count.repeated, bytearray(count.asked))
            self._tallies[count.client, count.k] = tally
        self._digests = list(digests)  # in the order first asked for; place = n_known + number
        self._places = {digest: n_known + number for number, digest in enumerate(digests)}
        self._n_stored_strangers = len(digests)

    def add(self, client: str, k: int, row: int | None, user_id: str) -> None:
        """Count one list; `row` is None for an id that the deployment does not know."""
        stranger = _digest(user_id)  # of known users too: whether one is known must cost nothing
        with self._lock:
            self._tally(client, k, 1).add(self._place_of(stranger) if row is None else row)

    def add_many(self, client: str, k: int, rows: Sequence[int | None], user_ids: Sequence[str]) -> None:
        """Count the lists of one request."""
        strangers = list(map(_digest, user_ids))
        with self._lock:
            tally = self._tally(client, k, len(rows))
            for row, stranger in zip(rows, strangers, strict=True):
                tally.add(self._place_of(stranger) if row is None else row)

    def counts(self) -> QueryCounts:
        """Sum up all clients."""
        by_client: dict[str, int] = {}
        asked = 0
        with self._lock:
            for (client, _), tally in sorted(self._tallies.items()):
                by_client[client] = by_client.get(client, 0) + tally.lists
                asked |= int.from_bytes(tally.asked, "little")
            repeated = sum(tally.repeated for tally in self._tallies.values())
        return QueryCounts(
            deployment=self.deployment_id,
            total=sum(by_client.values()),
            distinct_users=asked.bit_count(),
            repeated=repeated,
            by_client=by_client,
        )

    def take_changes(self) -> Counted | None:
        """Give what is to be stored, and regard it as stored; None if nothing changed."""
        with self._lock:
            changed = [(key, tally) for key, tally in self._tallies.items() if tally.is_changed]
            if not changed:
                return None
            for _, tally in changed:
                tally.is_changed = False
            fresh = self._digests[self._n_stored_strangers :]
            first = self._n_known + self._n_stored_strangers
            self._n_stored_strangers = len(self._digests)
            return Counted(
                self.deployment_id,
                tuple(
                    StoredCount(client, k, tally.lists, tally.repeated, bytes(tally.asked))
                    for (client, k), tally in changed
                ),
                tuple((first + number, digest) for number, digest in enumerate(fresh)),
            )

    def put_back(self, counted: Counted) -> None:
        """Take back changes that could not be stored; the next ones will contain them."""
        with self._lock:
            for count in counted.counts:
                self._tallies[count.client, count.k].is_changed = True
            self._n_stored_strangers -= len(counted.strangers)

    def _tally(self, client: str, k: int, n_lists: int) -> _Tally:
        tally = self._tallies.get((client, k))
        if tally is None:
            key = (client, k) if len(self._tallies) < self._tallies_max else (OTHERS, _ANY_K)
            tally = self._tallies.setdefault(key, _Tally())
        tally.is_changed = True
        tally.lists += n_lists
        return tally

    def _place_of(self, digest: bytes) -> int | None:
        place = self._places.get(digest)
        if place is None and len(self._digests) < STRANGERS_MAX:
            place = self._places[digest] = self._n_known + len(self._digests)
            self._digests.append(digest)
        return place


def _digest(user_id: str) -> bytes:
    return hashlib.blake2b(user_id.encode(), digest_size=8).digest()
