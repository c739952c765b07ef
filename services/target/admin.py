"""The admin routes: deployments come, go and are counted. Nothing here tells who is a member."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from services.target.dependencies import Service
from shared.contract.target import Deployment, DeploymentList, DeploymentSpec, QueryCounts

Id = Annotated[str, Path(description="a deployment's id")]
_ERRORS: dict[int | str, dict[str, str]] = {
    401: {"description": "The key is missing or wrong"},
    404: {"description": "There is no such deployment or dataset"},
    409: {"description": "The deployment's state does not allow it"},
    507: {"description": "The disk is full"},
}


def admin_router(check_key: Callable[..., object]) -> APIRouter:
    """Make the admin routes. `check_key` is a dependency that raises unless the admin's key was sent."""
    router = APIRouter(
        prefix="/admin/deployments", tags=["admin"], dependencies=[Depends(check_key)], responses=_ERRORS
    )
    _add_reading(router)
    _add_changing(router)
    return router


def _add_reading(router: APIRouter) -> None:
    @router.get("", summary="All deployments, newest first")
    def list_deployments(service: Service) -> DeploymentList:
        """With the state and progress of each."""
        return service.list_all()

    @router.get("/{deployment}", summary="One deployment")
    def read_deployment(deployment: Id, service: Service) -> Deployment:
        """State, progress, size, HR@k."""
        return service.get(deployment)

    @router.get("/{deployment}/queries", summary="What was asked of a deployment")
    def read_queries(deployment: Id, service: Service) -> QueryCounts:
        """Up to this moment, restarts included; a service that is killed forgets the last second."""
        return service.queries(deployment)


def _add_changing(router: APIRouter) -> None:
    @router.post("", status_code=202, summary="Train and serve a recommender")
    def create_deployment(
        spec: DeploymentSpec, service: Service, request: Request, response: Response
    ) -> Deployment:
        """Answers at once; Location says where to follow the training."""
        return _accepted(service.deploy(spec), request, response)

    @router.post("/{deployment}/retrain", status_code=202, summary="Train a deployment's spec again")
    def retrain_deployment(
        deployment: Id, service: Service, request: Request, response: Response
    ) -> Deployment:
        """Makes a new deployment; its members are drawn anew, unless the membership seed was given."""
        return _accepted(service.retrain(deployment), request, response)

    @router.post("/{deployment}/activate", summary="Answer /v1/... from this deployment")
    def activate_deployment(deployment: Id, service: Service) -> Deployment:
        """Only one that is done can be activated."""
        return service.activate(deployment)

    @router.post("/{deployment}/cancel", status_code=202, summary="Stop a training")
    def cancel_deployment(deployment: Id, service: Service) -> Deployment:
        """It stops at the next epoch or chunk."""
        return service.cancel(deployment)

    @router.delete("/{deployment}", status_code=204, summary="Delete a deployment")
    def delete_deployment(deployment: Id, service: Service) -> None:
        """With its lists, users, membership and query counts; the oracle's log stays."""
        service.delete(deployment)


def _accepted(deployment: Deployment, request: Request, response: Response) -> Deployment:
    response.headers["Location"] = str(request.app.url_path_for("read_deployment", deployment=deployment.id))
    return deployment
