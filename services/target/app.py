"""The target service, put together."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from prometheus_client import CollectorRegistry

from services.target.access import Admission
from services.target.admin import admin_router
from services.target.fast_lane import FastLane
from services.target.health import health_router
from services.target.oracle import oracle_router
from services.target.resources import open_service
from services.target.routes import public_router
from services.target.serving import Serving
from services.target.settings import TargetSettings
from shared.artifacts import ArtifactStore
from shared.engine import Engine, open_engine
from shared.web.application import ServiceApp, make_app
from shared.web.keys import require_key
from shared.web.limits import client_of

_DESCRIPTION = """A recommender under attack: it hands out ordered lists, without scores, to whoever asks.

Members, whose interactions it was trained on, get lists of their own; everybody else gets the cold start.
Nothing public tells who is a member. Every error is an RFC 9457 problem."""


def create_app(
    settings: TargetSettings,
    *,
    make_engine: Callable[[], Engine] | None = None,
    artifacts: ArtifactStore | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> ServiceApp:
    """Make the service; its lifespan opens and closes all that it holds.

    make_engine  None = what the settings say
    artifacts    None = a folder within the data folder
    clock        of the rate limit, seconds that only grow
    """
    serving = Serving()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with open_service(
            settings,
            serving=serving,
            make_engine=make_engine or (lambda: open_engine(settings.engine, n_workers=settings.workers)),
            artifacts=artifacts or ArtifactStore(settings.artifacts),
        ) as service:
            app.state.service = service
            yield

    app = make_app(
        title="RecLeak target", description=_DESCRIPTION, registry=CollectorRegistry(), lifespan=lifespan
    )
    check_admin = require_key(settings.admin_key, setting="RECLEAK_TARGET_ADMIN_KEY", scheme="AdminKey")
    admission = Admission(settings, clock=clock)
    app.express = FastLane(serving, admission, app.meter)
    app.include_router(
        public_router(serving, client_of=admission.dependency(), show_profiles=settings.show_profiles)
    )
    app.include_router(admin_router(check_admin))
    app.include_router(oracle_router(_oracle_client(settings)))
    app.include_router(health_router())
    return app


def _oracle_client(settings: TargetSettings) -> Callable[..., Awaitable[str]]:
    check = require_key(settings.oracle_key, setting="RECLEAK_TARGET_ORACLE_KEY", scheme="OracleKey")

    async def client(request: Request, _: Annotated[None, Depends(check)]) -> str:
        return client_of(request)

    return client
