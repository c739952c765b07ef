"""What all wire models have in common."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer


class Message(BaseModel):
    """A request or an answer: frozen, and an unknown field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class JobState(StrEnum):
    """Where a background job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    """Somebody asked it to stop; it stops at the next epoch or chunk."""
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """The service ended while it ran; what was stored is kept, resume goes on from there."""
    FAILED = "failed"
    DONE = "done"

    @property
    def is_final(self) -> bool:
        """Nothing more happens unless somebody asks."""
        return self not in (JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING)


class JobProgress(Message):
    """How far a job is."""

    fraction: float = Field(ge=0, le=1)
    """Part done, in [0, 1], of the whole job."""
    note: str
    """What is being done, in a few words."""


def _as_utc(value: object) -> object:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _iso(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[datetime, BeforeValidator(_as_utc), PlainSerializer(_iso, return_type=str)]
"""A moment in UTC; databases without time zones give it back naive."""

UserId = Annotated[str, Field(min_length=1, max_length=200)]
ItemId = Annotated[str, Field(min_length=1, max_length=200)]
Fraction = Annotated[float, Field(ge=0, le=1)]
