"""Whether the service lives, and whether it can answer."""

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from services.attacker.dependencies import Service
from shared.errors import StorageFailed


class Health(BaseModel):
    """The service is well."""

    status: str = "ok"


def health_router() -> APIRouter:
    """Make the health routes; they need no key."""
    router = APIRouter(prefix="/health", tags=["health"])

    @router.get("/live", summary="The process answers")
    async def read_live() -> Health:
        """Says nothing of the database."""
        return Health()

    @router.get(
        "/ready", summary="The service can answer", responses={503: {"description": "It cannot; says why"}}
    )
    def read_ready(service: Service) -> Health:
        """The database answers; its schema was brought up to date at start."""
        try:
            service.ping()
        except StorageFailed as error:
            raise HTTPException(503, str(error)) from error
        return Health()

    return router
