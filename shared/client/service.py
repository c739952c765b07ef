"""What the clients of both services have in common: an address, a life, and waiting for the service."""

from typing import Self

import httpx

from shared.client.waiting import Clock, wait_for
from shared.client.wire import Wire

EVERY_S = 0.25


class ServiceClient:
    """A service; use it in a `with` block, or close it.

    url        its base address
    api_key    if the service wants one
    timeout_s  for one answer
    Every method raises ServiceUnreachable if there is no answer, ServiceBrokeContract if it is not what the
    contract promises, and the error that the service itself names otherwise.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        clock: Clock = Clock(),  # noqa: B008 - frozen
    ) -> None:
        self._wire = Wire(url, timeout_s=timeout_s, transport=transport, default_key=api_key)
        self._clock = clock

    @property
    def url(self) -> str:
        """The base address."""
        return self._wire.url

    def close(self) -> None:
        """Close all connections."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def is_ready(self) -> bool:
        """Say whether the service answers and is ready."""
        return self._wire.is_ok("/health/ready")

    def wait_live(self, timeout_s: float = 60.0) -> None:
        """Wait until the service answers, ready or not. Raises ServiceUnreachable if it does not in time."""
        self._wait_ok("/health/live", "answering", timeout_s)

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        """Wait until the service is ready. Raises ServiceUnreachable if it is not in time.

        The attacker is ready when its database answers, the target when a deployment is active.
        """
        self._wait_ok("/health/ready", "becoming ready", timeout_s)

    def metrics(self) -> str:
        """What Prometheus reads."""
        return self._wire.send("GET", "/metrics").text

    def _wait_ok(self, path: str, what: str, timeout_s: float) -> None:
        wait_for(
            lambda: self._wire.is_ok(path) or None,
            what=f"{self.url} {what}",
            timeout_s=timeout_s,
            every_s=EVERY_S,
            clock=self._clock,
        )
