"""What routes ask for."""

from typing import Annotated

from fastapi import Depends, Request

from services.attacker.experiment_service import ExperimentService
from services.attacker.service import AttackerService


async def service_of(request: Request) -> AttackerService:
    """Give the service that the app's lifespan opened."""
    service = request.app.state.service
    assert isinstance(service, AttackerService)
    return service


Service = Annotated[AttackerService, Depends(service_of)]


async def experiments_of(request: Request) -> ExperimentService:
    """Give the service of experiments that the app's lifespan opened."""
    service = request.app.state.experiments
    assert isinstance(service, ExperimentService)
    return service


Experiments = Annotated[ExperimentService, Depends(experiments_of)]
