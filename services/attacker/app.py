"""The attacker service, put together."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from services.attacker.experiment_routes import experiment_router
from services.attacker.health import health_router
from services.attacker.resources import open_service
from services.attacker.routes import attacker_router
from services.attacker.settings import AttackerSettings
from shared.artifacts import ArtifactStore
from shared.engine import Engine, open_engine
from shared.web.application import make_app
from shared.web.keys import WhenUnset, require_key

_DESCRIPTION = """Membership inference against a recommender: submit an attack, follow it, read what it found.

An attack asks the target for lists, trains a shadow of its own, scores users, and only then lets the referee
compare the scores with the truth. Every error is an RFC 9457 problem."""


def create_app(
    settings: AttackerSettings,
    *,
    make_engine: Callable[[], Engine] | None = None,
    artifacts: ArtifactStore | None = None,
    environment: Mapping[str, str] = os.environ,
) -> FastAPI:
    """Make the service; its lifespan opens and closes all that it holds.

    make_engine  None = what the settings say
    artifacts    None = a folder within the data folder
    environment  where the keys that specs name are read from
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with open_service(
            settings,
            make_engine=make_engine or (lambda: open_engine(settings.engine, n_workers=settings.workers)),
            artifacts=artifacts or ArtifactStore(settings.artifacts),
            environment=environment,
        ) as opened:
            app.state.service, app.state.experiments = opened.attacks, opened.experiments
            yield

    app = make_app(
        title="RecLeak attacker", description=_DESCRIPTION, registry=CollectorRegistry(), lifespan=lifespan
    )
    check_key = require_key(
        settings.api_key, setting="RECLEAK_ATTACKER_API_KEY", scheme="ApiKey", when_unset=WhenUnset.OPEN
    )
    app.include_router(attacker_router(check_key))
    app.include_router(experiment_router(check_key))
    app.include_router(health_router())
    return app
