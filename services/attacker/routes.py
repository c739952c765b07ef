"""The attacker's routes: attacks are submitted, followed, read, stopped and deleted."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.responses import StreamingResponse

from services.attacker.catalogue import make_catalogue
from services.attacker.dependencies import Service
from services.attacker.event_stream import LastEventId, follow
from shared.contract.attacker import Attack, AttackList, AttackSpec, Catalogue, Judgement, PredictionPage

PAGE_MAX = 10_000

Id = Annotated[str, Path(description="an attack's id")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="entries on a page")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before; none = the first page")]
Format = Annotated[
    Literal["json", "csv"] | None,
    Query(alias="format", description="`csv`: all of them, streamed; Accept: text/csv does the same"),
]
_ERRORS: dict[int | str, dict[str, str]] = {
    401: {"description": "The key is missing or wrong"},
    404: {"description": "There is no such attack or dataset"},
    409: {"description": "The attack's state does not allow it"},
    507: {"description": "The disk is full"},
}


def attacker_router(check_key: Callable[..., object]) -> APIRouter:
    """Make all routes of the API.

    check_key  dependency that raises unless the key was sent, if there is one
    """
    router = APIRouter(prefix="/v1", dependencies=[Depends(check_key)], responses=_ERRORS)
    attacks = APIRouter(prefix="/attacks")
    _add_reading(attacks)
    _add_results(attacks)
    _add_changing(attacks)
    router.include_router(attacks)

    @router.get("/catalogue", summary="Everything that a spec can name", tags=["catalogue"])
    def read_catalogue() -> Catalogue:
        """Attacks, baselines, algorithms and datasets, with sources and threat models."""
        return make_catalogue()

    return router


def _add_reading(router: APIRouter) -> None:
    @router.get("", summary="All attacks, newest first", tags=["attacks"])
    def list_attacks(service: Service) -> AttackList:
        """With the state and progress of each."""
        return service.list_all()

    @router.get("/{attack}", summary="One attack", tags=["attacks"])
    def read_attack(attack: Id, service: Service) -> Attack:
        """State, progress, spec, what was asked of the target, and the figures once there are any."""
        return service.get(attack)

    def existing(attack: Id, service: Service) -> str:
        return service.get(attack).id

    @router.get(
        "/{attack}/events",
        response_class=EventSourceResponse,
        summary="What happens to an attack, as it happens",
        tags=["attacks"],
    )
    async def follow_attack(
        attack: Annotated[str, Depends(existing)],
        service: Service,
        last_event_id: LastEventId = None,
    ) -> AsyncIterator[ServerSentEvent]:
        """Server-sent events, each an AttackEvent as JSON; the stream ends behind a final state."""
        async for event in follow(service.events_after, attack, last_event_id):
            yield event


def _add_results(router: APIRouter) -> None:
    @router.get(
        "/{attack}/predictions",
        response_model=PredictionPage,
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
        summary="What the attack says of each user",
        tags=["results"],
    )
    def read_predictions(
        attack: Id,
        request: Request,
        service: Service,
        *,
        limit: Limit = 1000,
        cursor: Cursor = None,
        format_: Format = None,
    ) -> Response | PredictionPage:
        """Ordered as the users were judged: pages of JSON, or all of it as CSV."""
        accepts_csv = "text/csv" in request.headers.get("accept", "")
        if format_ == "csv" or (format_ is None and accepts_csv):
            return StreamingResponse(service.prediction_lines(attack), media_type="text/csv")
        return service.predictions(attack, cursor, limit)

    @router.get("/{attack}/figures", summary="How good the attack is", tags=["results"])
    def read_figures(attack: Id, service: Service) -> Judgement:
        """The attack, its baselines and its controls; 409 as long as it is not evaluated."""
        return service.figures(attack)


def _add_changing(router: APIRouter) -> None:
    @router.post("", status_code=202, summary="Submit an attack", tags=["attacks"])
    def create_attack(spec: AttackSpec, request: Request, response: Response, service: Service) -> Attack:
        """Answers at once; Location says where to follow it."""
        attack = service.submit(spec)
        response.headers["Location"] = str(request.app.url_path_for("read_attack", attack=attack.id))
        return attack

    @router.post("/{attack}/cancel", status_code=202, summary="Stop an attack", tags=["attacks"])
    def cancel_attack(attack: Id, service: Service) -> Attack:
        """It stops at the next epoch or chunk; what is stored stays."""
        return service.cancel(attack)

    @router.post("/{attack}/resume", status_code=202, summary="Go on with an attack", tags=["attacks"])
    def resume_attack(attack: Id, service: Service) -> Attack:
        """At the first stage or chunk that is not stored; nothing is asked of the target twice."""
        return service.resume(attack)

    @router.delete("/{attack}", status_code=204, summary="Delete an attack", tags=["attacks"])
    def delete_attack(attack: Id, service: Service) -> None:
        """With everything stored for it that no other attack uses."""
        service.delete(attack)
