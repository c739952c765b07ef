"""`X-API-Key`: who may use a part of an API."""

import hmac
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated

from fastapi import Security
from fastapi.security import APIKeyHeader
from pydantic import SecretStr

from shared.errors import BadInput, NotFound, Unauthorized

HEADER = "X-API-Key"


class WhenUnset(StrEnum):
    """What a part of an API does while no key is configured for it."""

    OFF = "off"
    OPEN = "open"


def require_key(
    expected: SecretStr | None, *, setting: str, scheme: str, when_unset: WhenUnset = WhenUnset.OFF
) -> Callable[[str | None], Awaitable[None]]:
    """Make a dependency that lets a request pass only with the right key: `dependencies=[Depends(...)]`.

    setting  the environment variable with the key, named in the answers
    scheme   the name of the security scheme in the OpenAPI document
    The dependency raises Unauthorized if the key is missing or wrong; NotFound if no key is configured and
    that means off. The comparison takes the same time however much of a key is right.
    Raises BadInput if the configured key is empty.
    """
    if expected is not None and not expected.get_secret_value():
        raise BadInput(f"{setting} is empty; give it a key or leave it out")
    header = APIKeyHeader(
        name=HEADER, scheme_name=scheme, description=f"the key in {setting}", auto_error=False
    )

    async def check(key: Annotated[str | None, Security(header)]) -> None:
        if expected is None:
            if when_unset is WhenUnset.OFF:
                raise NotFound(f"this part of the API is off until {setting} is set")
            return
        if key is None:
            raise Unauthorized(f"send the key in {setting} as {HEADER}")
        if not same_key(key, expected):
            raise Unauthorized(f"the key in {HEADER} is wrong; send the one in {setting}")

    return check


def same_key(given: str, expected: SecretStr) -> bool:
    """Compare in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode(), expected.get_secret_value().encode())
