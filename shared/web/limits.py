"""How often a client may ask: a token bucket each, in memory, for a bounded number of clients."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import SecretStr
from starlette.requests import HTTPConnection

from shared.errors import TooManyRequests
from shared.web.keys import HEADER, same_key


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class RateLimiter:
    """Lets a client ask `burst` times at once and `rate_per_s` times a second in the long run.

    clock        seconds that only grow, such as `time.monotonic`
    max_clients  the client seen longest ago is forgotten beyond this; it starts again with a full bucket
    Raises ValueError unless all three numbers are at least 1 or, the rate, positive.
    """

    def __init__(
        self, *, rate_per_s: float, burst: int, clock: Callable[[], float], max_clients: int = 10_000
    ) -> None:
        if rate_per_s <= 0 or burst < 1 or max_clients < 1:
            raise ValueError(
                f"a limit needs a positive rate, burst and number of clients, "
                f"found {rate_per_s}, {burst}, {max_clients}"
            )
        self.rate_per_s = rate_per_s
        self.burst = burst
        self._clock = clock
        self._max_clients = max_clients
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def allow(self, client: str, cost: int = 1) -> float | None:
        """Count a request: None = go on; otherwise it is not counted, and may come in so many seconds.

        cost  what the request is worth, such as the users of a batch; more than `burst` costs `burst`
        """
        worth = cost if cost < self.burst else self.burst
        with self._lock:
            bucket = self._bucket(client, self._clock())
            if bucket.tokens < worth:
                return (worth - bucket.tokens) / self.rate_per_s
            bucket.tokens -= worth
            return None

    def check(self, client: str, cost: int = 1) -> None:
        """Count a request; raises TooManyRequests if it comes too early."""
        retry_after_s = self.allow(client, cost)
        if retry_after_s is not None:
            raise TooManyRequests(
                f"more than {self.rate_per_s:g} requests a second; wait {retry_after_s:.2f} s", retry_after_s
            )

    @property
    def n_clients(self) -> int:
        """How many clients are remembered."""
        return len(self._buckets)

    def _bucket(self, client: str, now: float) -> _Bucket:
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = _Bucket(float(self.burst), now)
            if len(self._buckets) > self._max_clients:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(client)
        tokens = bucket.tokens + (now - bucket.filled_at) * self.rate_per_s
        bucket.tokens = tokens if tokens < self.burst else self.burst  # `min` is a call: this is the hot path
        bucket.filled_at = now
        return bucket


def client_of(request: HTTPConnection, *, known_keys: Sequence[SecretStr] = ()) -> str:
    """Name the client of a request: `key-1` for the first known key, otherwise the peer's address.

    A key that nobody gave out names nobody: else a client would get a new bucket with every invented key.
    """
    key = request.headers.get(HEADER) if known_keys else None
    if key is not None:
        for number, known in enumerate(known_keys, start=1):
            if same_key(key, known):
                return f"key-{number}"
    return request.client.host if request.client else "unknown"
