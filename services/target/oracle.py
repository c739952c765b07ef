"""The oracle: the truth about membership, behind a key of its own; every question is logged."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends

from services.target.dependencies import Service
from shared.contract.target import MembershipAnswer, MembershipQuestion


def oracle_router(client_of: Callable[..., object]) -> APIRouter:
    """Make the oracle's route.

    client_of  dependency that raises unless the oracle's key was sent, and gives a name to log
    """
    router = APIRouter(prefix="/oracle", tags=["oracle"])

    @router.post(
        "/membership",
        summary="Who is a member",
        responses={
            401: {"description": "The key is missing or wrong"},
            404: {"description": "The deployment is not known"},
            409: {"description": "No deployment is active"},
        },
    )
    def read_membership(
        question: MembershipQuestion, service: Service, client: Annotated[str, Depends(client_of)]
    ) -> MembershipAnswer:
        """In the order asked for; users whom it does not know are named apart. Every question is logged."""
        return service.membership(question, client)

    return router
