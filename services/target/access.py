"""Who may ask on the public routes, how often, and by what name they are counted."""

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import APIKeyHeader
from starlette.types import Scope

from services.target.settings import TargetSettings
from shared.web.keys import HEADER, WhenUnset, require_key, same_key
from shared.web.limits import RateLimiter, client_of

SCHEME = "PublicKey"
_HEADER_BYTES = HEADER.lower().encode()


class Admission:
    """Lets clients in, by key and rate.

    clock  seconds that only grow
    """

    def __init__(self, settings: TargetSettings, *, clock: Callable[[], float]) -> None:
        self._limiter = _limiter(settings.rate_limit, clock=clock)
        self._keys = () if settings.api_key is None else (settings.api_key,)
        self._check = require_key(
            settings.api_key, setting="RECLEAK_TARGET_API_KEY", scheme=SCHEME, when_unset=WhenUnset.OPEN
        )

    async def admit(self, request: Request) -> str:
        """Give the client's name. Raises Unauthorized on a missing or wrong key, TooManyRequests."""
        if self._keys:
            await self._check(request.headers.get(HEADER))
        client = client_of(request, known_keys=self._keys)
        if self._limiter is not None:
            self._limiter.check(client)
        return client

    def enter(self, headers: Mapping[bytes, bytes], scope: Scope) -> str | None:
        """Let a request in as `admit` does; None if `admit` is to say why not.

        headers  the first value of each name, in small letters
        """
        if self._keys:
            key = headers.get(_HEADER_BYTES)
            if key is None or not same_key(key.decode("latin-1"), self._keys[0]):
                return None
            client = "key-1"
        else:
            client = scope["client"][0] if scope["client"] else "unknown"
        if self._limiter is not None and self._limiter.allow(client) is not None:
            return None
        return client

    def dependency(self) -> Callable[..., Awaitable[str]]:
        """Make a FastAPI dependency of `admit`, which the OpenAPI document shows if there is a key."""

        async def admit(request: Request) -> str:
            return await self.admit(request)

        if not self._keys:
            return admit
        header = APIKeyHeader(name=HEADER, scheme_name=SCHEME, auto_error=False)

        async def admit_with_key(request: Request, _: Annotated[str | None, Security(header)]) -> str:
            return await self.admit(request)

        return admit_with_key


def _limiter(rate: float, *, clock: Callable[[], float]) -> RateLimiter | None:
    if rate == 0:
        return None
    return RateLimiter(rate_per_s=rate, burst=math.ceil(rate), clock=clock)
