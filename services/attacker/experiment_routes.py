"""The routes of experiments: submitted, followed, read, stopped and deleted."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.responses import FileResponse

from services.attacker.dependencies import Experiments
from services.attacker.event_stream import LastEventId, follow
from shared.contract.experiments import Experiment, ExperimentList, ExperimentSpec, Matrices

Id = Annotated[str, Path(description="an experiment's id")]
_ERRORS: dict[int | str, dict[str, str]] = {
    401: {"description": "The key is missing or wrong"},
    404: {"description": "There is no such experiment, grid or dataset"},
    409: {"description": "The experiment's state does not allow it"},
    507: {"description": "The disk is full"},
}
_CSV = {"text/csv": {"schema": {"type": "string"}}}
_HTML = {"text/html": {"schema": {"type": "string"}}}


def experiment_router(check_key: Callable[..., object]) -> APIRouter:
    """Make the routes.

    check_key  dependency that raises unless the key was sent, if there is one
    """
    router = APIRouter(
        prefix="/v1/experiments",
        dependencies=[Depends(check_key)],
        responses=_ERRORS,
        tags=["experiments"],
    )
    _add_reading(router)
    _add_results(router)
    _add_changing(router)
    return router


def _add_reading(router: APIRouter) -> None:
    @router.get("", summary="All experiments, newest first")
    def list_experiments(service: Experiments) -> ExperimentList:
        """With the state and progress of each."""
        return service.list_all()

    @router.get("/{experiment}", summary="One experiment")
    def read_experiment(experiment: Id, service: Experiments) -> Experiment:
        """State, jobs done and in all by kind, failures, data and versions."""
        return service.get(experiment)

    def existing(experiment: Id, service: Experiments) -> str:
        return service.get(experiment).id

    @router.get(
        "/{experiment}/events",
        response_class=EventSourceResponse,
        summary="What happens to an experiment, as it happens",
    )
    async def follow_experiment(
        experiment: Annotated[str, Depends(existing)],
        service: Experiments,
        last_event_id: LastEventId = None,
    ) -> AsyncIterator[ServerSentEvent]:
        """Server-sent events, each an ExperimentEvent as JSON; the stream ends behind a final state."""
        async for event in follow(service.events_after, experiment, last_event_id):
            yield event


def _add_results(router: APIRouter) -> None:
    @router.get("/{experiment}/matrix", summary="Its figures, shadow by target")
    def read_matrix(experiment: Id, service: Experiments) -> Matrices:
        """ROC AUC and balanced accuracy beside the published figures, also while it runs."""
        return service.matrices(experiment)

    @router.get(
        "/{experiment}/results",
        response_class=FileResponse,
        responses={200: {"content": _CSV, "description": "A row for every cell and seed"}},
        summary="Its figures, as CSV",
    )
    def read_results(experiment: Id, service: Experiments) -> FileResponse:
        """Everything that is known of each cell; 409 until the run has stopped once."""
        return FileResponse(service.results(experiment), media_type="text/csv")

    @router.get(
        "/{experiment}/report",
        response_class=FileResponse,
        responses={200: {"content": _HTML, "description": "A page that needs no network"}},
        summary="Its report",
    )
    def read_report(experiment: Id, service: Experiments) -> FileResponse:
        """Matrices, curves, studies and what they mean; 409 until the run has come to its end."""
        return FileResponse(service.report(experiment), media_type="text/html")


def _add_changing(router: APIRouter) -> None:
    @router.post("", status_code=202, summary="Submit an experiment")
    def create_experiment(
        spec: ExperimentSpec, request: Request, response: Response, service: Experiments
    ) -> Experiment:
        """Answers at once; Location says where to follow it."""
        made = service.submit(spec)
        response.headers["Location"] = str(request.app.url_path_for("read_experiment", experiment=made.id))
        return made

    @router.post("/{experiment}/cancel", status_code=202, summary="Stop an experiment")
    def cancel_experiment(experiment: Id, service: Experiments) -> Experiment:
        """It stops at the next epoch or chunk; what is done stays."""
        return service.cancel(experiment)

    @router.post("/{experiment}/resume", status_code=202, summary="Go on with an experiment")
    def resume_experiment(
        experiment: Id,
        service: Experiments,
        only_failed: Annotated[
            bool, Query(description="make only what failed, nothing that was not begun")
        ] = False,
    ) -> Experiment:
        """Nothing that is done is done again."""
        return service.resume(experiment, only_failed=only_failed)

    @router.delete("/{experiment}", status_code=204, summary="Delete an experiment")
    def delete_experiment(experiment: Id, service: Experiments) -> None:
        """With everything that no other experiment uses."""
        service.delete(experiment)
