"""Asks the oracle who is a member; only the referee does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.attacker import wire_answers
from services.attacker.pacing import SYSTEM_CLOCK, Clock, Stops
from services.attacker.replies import Access, expect_ok
from services.attacker.transport import Transport
from shared.errors import NotFound

_NAME_SIZE = 256  # bytes of an id and its truth in JSON
_ANSWER_SIZE = 1_000_000
_UNKNOWN_MAX = 3


@dataclass(frozen=True)
class Truth:
    """Who is a member, of the users that the oracle knows.

    deployment  the one that the truth is about
    """

    deployment: str
    is_member: dict[str, bool]


def ask_oracle(
    access: Access,
    user_ids: Sequence[str],
    *,
    deployment: str | None,
    rng: np.random.Generator,
    stops: Stops,
    clock: Clock = SYSTEM_CLOCK,
) -> Truth:
    """Ask who is a member.

    deployment  None = the active one
    returns     users whom the oracle does not know are left out. A target that makes members and non-members
                equally many sets one user aside where their number is odd, and nobody outside knows whom:
                the oracle answers "not found", and the user is searched for by halves.
    Raises Unauthorized, naming the variable of the key; NotFound if the deployment or more than 3 users are
    not known; TargetUnreachable, TargetBrokeContract or BadInput as the target's client does.
    """
    with Transport(access, rng=rng, stops=stops, clock=clock) as transport:
        return transport.run(_Search(transport, deployment).known(list(user_ids)))


class _Search:
    """Asks about ever smaller groups, until what is not known is alone."""

    def __init__(self, transport: Transport, deployment: str | None) -> None:
        self._transport = transport
        self._deployment = deployment

    async def known(self, user_ids: list[str]) -> Truth:
        groups, is_member, n_unknown, n_asked = [user_ids], dict[str, bool](), 0, 0
        first: NotFound | None = None
        most = 1 + 2 * _UNKNOWN_MAX * math.ceil(math.log2(max(len(user_ids), 2)))
        while groups:
            group = groups.pop()
            n_asked += 1
            try:
                answer = await self._ask(group)
            except NotFound as error:
                first = first or error
                n_unknown += len(group) == 1
                if n_asked >= most or n_unknown > _UNKNOWN_MAX or len(user_ids) == 1:
                    raise first from None
                half = len(group) // 2
                groups += [one for one in (group[half:], group[:half]) if len(group) > 1]
                continue
            # what is active may change: all answers must be about the same deployment
            self._deployment = answer[0]
            is_member |= answer[1]
        return Truth(self._deployment or "", is_member)

    async def _ask(self, user_ids: list[str]) -> tuple[str, dict[str, bool]]:
        body: dict[str, Any] = {"user_ids": user_ids, "deployment": self._deployment}
        reply = await self._transport.send(
            "POST", "/oracle/membership", body=body, size_max=_ANSWER_SIZE + len(user_ids) * _NAME_SIZE
        )
        answer = expect_ok(reply, self._transport.access).json()
        return wire_answers.membership(answer, asked=user_ids, deployment=self._deployment, url=reply.url)
