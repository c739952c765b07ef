"""Who may ask on the public routes, how often, and by what name they are counted."""

import math
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import APIKeyHeader

from services.target.settings import TargetSettings
from shared.web.keys import HEADER, WhenUnset, require_key
from shared.web.limits import RateLimiter, client_of


def admission(settings: TargetSettings, *, clock: Callable[[], float]) -> Callable[..., Awaitable[str]]:
    """Make the dependency of all public routes: it gives the client's name, or raises.

    Async, unlike `require_key` alone: the hot path must not pass through a thread.
    Raises (the dependency) Unauthorized on a missing or wrong key, TooManyRequests above the rate.
    """
    limiter = _limiter(settings.rate_limit, clock=clock)
    keys = () if settings.api_key is None else (settings.api_key,)

    def named(request: Request) -> str:
        client = client_of(request, known_keys=keys)
        if limiter is not None:
            limiter.check(client)
        return client

    async def open_to_all(request: Request) -> str:
        return named(request)

    if settings.api_key is None:
        return open_to_all

    check = require_key(
        settings.api_key,
        setting="RECLEAK_TARGET_API_KEY",
        scheme="PublicKey",
        when_unset=WhenUnset.OPEN,
    )
    header = APIKeyHeader(name=HEADER, scheme_name="PublicKey", auto_error=False)

    async def with_key(request: Request, key: Annotated[str | None, Security(header)]) -> str:
        check(key)
        return named(request)

    return with_key


def _limiter(rate: float, *, clock: Callable[[], float]) -> RateLimiter | None:
    if rate == 0:
        return None
    return RateLimiter(rate_per_s=rate, burst=math.ceil(rate), clock=clock)
