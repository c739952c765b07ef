"""The public routes: a black box that hands out lists.

They are `async def` and touch only memory: the hot path. Lists from histories alone are computed, for some
milliseconds, and have a thread for that. Everything here exists twice, once for the active
deployment and once for each by its id.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.target.folding import list_from_history
from services.target.list_json import BatchJson
from services.target.serving import ServedDeployment, Serving, row_at
from shared.contract.target import (
    DEPLOYMENT_HEADER,
    BatchAnswer,
    BatchRequest,
    History,
    HistoryAnswer,
    HistoryRequest,
    ItemPage,
    PopularItems,
    Recommendations,
    UserPage,
)
from shared.errors import NotFound

PAGE_MAX = 10_000
JSON = "application/json"
Find = Callable[..., Awaitable[ServedDeployment]]
Client = Callable[..., Awaitable[str]]

UserIdPath = Annotated[str, Path(min_length=1, max_length=200, description="a user's id; any string")]
K = Annotated[int | None, Query(description="list length, from 1 to the deployment's cap; default 100")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="entries on a page")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before; none = the first page")]


def public_router(serving: Serving, *, client_of: Client, show_profiles: bool) -> APIRouter:
    """Make all public routes.

    client_of  dependency that lets a client in or raises, and gives its name
    """

    async def active() -> ServedDeployment:
        return active_of(serving)

    async def named(deployment: Annotated[str, Path(description="a deployment's id")]) -> ServedDeployment:
        return serving.get(deployment)

    router = APIRouter()
    for prefix, find, suffix in (("/v1", active, ""), ("/v1/d/{deployment}", named, "_of_deployment")):
        part = APIRouter(prefix=prefix, responses=_ERRORS, dependencies=[Depends(client_of)])
        _add_lists(part, find, client_of, suffix)
        _add_catalogue(part, find, suffix)
        _add_profiles(part, find, suffix, show_profiles=show_profiles)
        router.include_router(part)
    return router


_ERRORS: dict[int | str, dict[str, str]] = {
    401: {"description": "The key is missing or wrong"},
    404: {"description": "There is no such deployment or user"},
    429: {"description": "Too many requests; Retry-After says when to come back"},
    503: {"description": "No deployment is active yet"},
}
_LISTS: dict[int | str, dict[str, object]] = {
    200: {
        "headers": {
            DEPLOYMENT_HEADER: {
                "description": "The deployment that gave the lists; the active one may change",
                "schema": {"type": "string"},
            }
        }
    }
}


def active_of(serving: Serving) -> ServedDeployment:
    """Give the active deployment; if there is none, the answer is 503, which is worth another try."""
    if serving.active is None:
        raise HTTPException(503, "no deployment is active yet; wait for its training", {"Retry-After": "5"})
    return serving.active


class BatchResponse(Response):
    """Lists that are made while those before them are sent. Whatever may fail has been checked before."""

    media_type = JSON

    def __init__(self, batch: BatchJson, deployment_id: str) -> None:
        self._parts = batch.parts
        super().__init__(headers={DEPLOYMENT_HEADER: deployment_id, "Content-Length": str(batch.n_bytes)})

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it. Between two parts others get their turn."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for part in self._parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _json_response(content: bytes) -> Response:
    return Response(content, media_type=JSON)


def _add_lists(router: APIRouter, find: Find, client_of: Client, suffix: str) -> None:
    @router.get(
        "/users/{user_id:path}/recommendations",
        response_model=Recommendations,
        name=f"read_recommendations{suffix}",
        summary="One user's list",
        responses=_LISTS,
        tags=["lists"],
    )
    async def read_recommendations(
        user_id: UserIdPath,
        deployment: Annotated[ServedDeployment, Depends(find)],
        client: Annotated[str, Depends(client_of)],
        k: K = None,
    ) -> Response:
        """Best first, without scores. Who is not known gets the deployment's cold start."""
        content = deployment.recommendations(user_id, deployment.check_k(k), client)
        return Response(content, media_type=JSON, headers={DEPLOYMENT_HEADER: deployment.id})

    @router.post(
        "/recommendations",
        response_model=HistoryAnswer,
        name=f"read_list_from_history{suffix}",
        summary="A list from a history",
        responses=_LISTS,
        tags=["histories"],
    )
    def read_list_from_history(
        body: HistoryRequest,
        deployment: Annotated[ServedDeployment, Depends(find)],
        client: Annotated[str, Depends(client_of)],
    ) -> Response:
        """For somebody whom the model was not trained on; made now, for deployments that allow it."""
        k = deployment.check_k(body.k if "k" in body.model_fields_set else None)
        content = list_from_history(deployment, body.items, k, client)
        return Response(content, media_type=JSON, headers={DEPLOYMENT_HEADER: deployment.id})

    @router.post(
        "/recommendations:batch",
        response_model=BatchAnswer,
        name=f"read_batch{suffix}",
        summary="The lists of up to 1,000 users",
        responses=_LISTS,
        tags=["lists"],
    )
    async def read_batch(
        body: BatchRequest,
        deployment: Annotated[ServedDeployment, Depends(find)],
        client: Annotated[str, Depends(client_of)],
    ) -> Response:
        """In the order asked for; `items` is null where the single route would answer 404."""
        k = deployment.check_k(body.k if "k" in body.model_fields_set else None)
        return BatchResponse(deployment.batch(body.user_ids, k, client), deployment.id)


def _add_catalogue(router: APIRouter, find: Find, suffix: str) -> None:
    @router.get(
        "/items",
        response_model=ItemPage,
        name=f"list_items{suffix}",
        summary="The catalogue",
        tags=["catalogue"],
    )
    async def list_items(
        deployment: Annotated[ServedDeployment, Depends(find)], limit: Limit = 1000, cursor: Cursor = None
    ) -> Response:
        """All items, in pages."""
        return _json_response(deployment.item_page(row_at(cursor), limit))

    @router.get(
        "/popular",
        response_model=PopularItems,
        name=f"read_popular{suffix}",
        summary="The most popular items",
        tags=["catalogue"],
    )
    async def read_popular(deployment: Annotated[ServedDeployment, Depends(find)], k: K = None) -> Response:
        """Best first, by the number of interactions that were trained on."""
        return _json_response(deployment.popular_items(deployment.check_k(k)))


def _add_profiles(router: APIRouter, find: Find, suffix: str, *, show_profiles: bool) -> None:
    async def shown() -> None:
        if not show_profiles:
            raise NotFound("this service shows no profiles (RECLEAK_TARGET_SHOW_PROFILES is off)")

    needs = [Depends(shown)]

    @router.get(
        "/users",
        response_model=UserPage,
        name=f"list_users{suffix}",
        summary="Users with a public profile",
        tags=["profiles"],
        dependencies=needs,
    )
    async def list_users(
        deployment: Annotated[ServedDeployment, Depends(find)], limit: Limit = 1000, cursor: Cursor = None
    ) -> Response:
        """Ordered by id, in pages; nothing tells who was trained on."""
        return _json_response(deployment.user_page(row_at(cursor), limit))

    @router.get(
        "/users/{user_id:path}/history",
        response_model=History,
        name=f"read_history{suffix}",
        summary="A user's public profile",
        tags=["profiles"],
        dependencies=needs,
    )
    async def read_history(
        user_id: UserIdPath, deployment: Annotated[ServedDeployment, Depends(find)]
    ) -> Response:
        """The items that the user interacted with."""
        return _json_response(deployment.history(user_id))
