"""Asks the oracle who is a member; only the referee does."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.attacker.asking import wire_answers
from services.attacker.asking.pacing import SYSTEM_CLOCK, Clock, Stops
from services.attacker.asking.replies import Access, expect_ok
from services.attacker.asking.transport import Transport

_NAME_SIZE = 256  # bytes of an id and its truth in JSON
_ANSWER_SIZE = 1_000_000


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
    returns     users whom the oracle does not know are left out: strangers, and the one whom a target that
                makes members and non-members equally many sets aside where their number is odd
    Raises Unauthorized, naming the variable of the key; NotFound if the deployment is not known;
    TargetUnreachable, TargetBrokeContract or BadInput as the target's client does.
    """
    body = {"user_ids": list(user_ids), "deployment": deployment}
    size_max = _ANSWER_SIZE + len(user_ids) * _NAME_SIZE
    with Transport(access, rng=rng, stops=stops, clock=clock) as transport:
        reply = transport.run(transport.send("POST", "/oracle/membership", body=body, size_max=size_max))
    answer = expect_ok(reply, access).json()
    return Truth(*wire_answers.membership(answer, asked=user_ids, deployment=deployment, url=reply.url))
