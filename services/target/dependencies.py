"""What routes ask for."""

from typing import Annotated

from fastapi import Depends, Request

from services.target.service import TargetService


async def service_of(request: Request) -> TargetService:
    """Give the service that the app's lifespan opened."""
    service = request.app.state.service
    assert isinstance(service, TargetService)
    return service


Service = Annotated[TargetService, Depends(service_of)]
