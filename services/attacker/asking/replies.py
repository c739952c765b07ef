"""What a stranger's service answered, and what it means if it is not what was asked for."""

import json
from dataclasses import dataclass
from http import HTTPStatus

from shared.errors import (
    BadInput,
    NotFound,
    TargetBrokeContract,
    TargetError,
    Unauthorized,
)

_SHOWN = 160


@dataclass(frozen=True)
class Access:
    """Where a service is and how it is asked.

    service  in words, for sentences: "the target"
    key_env  name of the environment variable that holds the key; the key itself is `key`
    """

    service: str
    url: str
    key: str | None
    key_env: str | None
    concurrency: int
    timeout_s: float
    retries: int


@dataclass(frozen=True)
class Reply:
    """An answer that is not to be asked for again.

    deployment  the target's deployment that gave it, where the target says so
    """

    status: int
    body: bytes
    url: str
    deployment: str | None = None

    def excerpt(self) -> str:
        """The beginning of the body in one line, for sentences."""
        text = " ".join(self.body[: 4 * _SHOWN].decode(errors="replace").split())
        shown = "".join(letter if letter.isprintable() else "?" for letter in text)
        return repr(shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}...") if shown else "nothing"

    def json(self) -> object:
        """The body as JSON. Raises TargetBrokeContract if it is none."""
        try:
            parsed: object = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise TargetBrokeContract(f"{self.url} answered {self.excerpt()}, which is no JSON") from error
        return parsed

    def detail(self) -> str:
        """What an error answer says: the detail of a problem, or the beginning of whatever it is."""
        detail = self._problem().get("detail")
        return " ".join(detail.split())[:400] if isinstance(detail, str) and detail else self.excerpt()

    def is_about_the_path(self) -> bool:
        """Whether a 404 is about the route rather than the user (RFC 9457: about:blank says nothing more)."""
        return self._problem().get("type") == "about:blank"

    def _problem(self) -> dict[str, object]:
        try:
            problem = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return problem if isinstance(problem, dict) else {}


def expect_ok(reply: Reply, access: Access) -> Reply:
    """Give an answer that is a success.

    Raises Unauthorized, naming the variable of the key; BadInput for what the service says is wrong with the
    request; NotFound for 404; TargetBrokeContract for a redirection or another status; TargetError for 5xx.
    """
    status = reply.status
    if status == HTTPStatus.OK:
        return reply
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise Unauthorized(_refused_key(reply, access))
    if status == HTTPStatus.NOT_FOUND:
        raise NotFound(f"{access.service} has nothing at {reply.url}: {reply.detail()}")
    if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}:
        raise BadInput(f"{access.service} at {access.url} refused the request: {reply.detail()}")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise TargetError(
            f"{access.service} failed at {reply.url} with {status} ({reply.detail()}); its log says more"
        )
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise TargetBrokeContract(
            f"{reply.url} redirects ({status}), which is not followed; give the address"
        )
    raise TargetBrokeContract(f"{reply.url} answered {status}: {reply.detail()}")


def _refused_key(reply: Reply, access: Access) -> str:
    said = f"{access.service} at {access.url} refused the request ({reply.status}: {reply.detail()})"
    if access.key_env is None:
        return (
            f"{said}; put its key into an environment variable of the attacker service and name it (key_env)"
        )
    return f"{said}; set {access.key_env} of the attacker service to the right key and start it again"
