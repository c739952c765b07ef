"""The tables of the target service; membership has one of its own, which only the oracle reads."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.migrations import new_metadata


class Base(DeclarativeBase):
    """What all tables have in common."""

    metadata = new_metadata()


metadata = Base.metadata


class DeploymentRow(Base):
    """A recommender, its training and where its arrays lie."""

    __tablename__ = "deployments"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    fraction: Mapped[float] = mapped_column(Double)
    note: Mapped[str] = mapped_column(Text)
    is_active: Mapped[bool]
    spec: Mapped[dict[str, Any]] = mapped_column(JSON)
    """As submitted, without the membership seed."""
    membership_seed: Mapped[int | None] = mapped_column(BigInteger)
    """Only if an admin fixed it: a retraining must draw the same members. A fresh one is never stored."""
    size: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    hr_at_k: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    quality: Mapped[str] = mapped_column(String(16))
    """pending, measured or failed: what became of the measuring, whether or not it is on now."""
    artifact: Mapped[str | None] = mapped_column(String(200))
    """Name of the served arrays in the artefact store."""
    model: Mapped[str | None] = mapped_column(String(200))
    """Name of the trained recommender in the artefact store."""
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class UserRow(Base):
    """A user whom a deployment knows: members and non-members alike."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("deployment_id", "user_id"),)

    deployment_id: Mapped[str] = mapped_column(
        ForeignKey("deployments.id", ondelete="CASCADE"), primary_key=True
    )
    user_row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[str] = mapped_column(Text)


class MembershipRow(Base):
    """Whether a user's interactions were trained on: the secret."""

    __tablename__ = "memberships"
    __table_args__ = (
        ForeignKeyConstraint(
            ["deployment_id", "user_row"], ["users.deployment_id", "users.user_row"], ondelete="CASCADE"
        ),
    )

    deployment_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    is_member: Mapped[bool]


class QueryCountRow(Base):
    """What one client asked of one deployment at one list length."""

    __tablename__ = "query_counts"

    deployment_id: Mapped[str] = mapped_column(
        ForeignKey("deployments.id", ondelete="CASCADE"), primary_key=True
    )
    client: Mapped[str] = mapped_column(String(200), primary_key=True)
    k: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lists: Mapped[int] = mapped_column(BigInteger)
    repeated: Mapped[int] = mapped_column(BigInteger)
    asked: Mapped[bytes] = mapped_column(LargeBinary)
    """One bit per place: known users by row, then strangers in the order they were first asked for."""


class StrangerRow(Base):
    """A user id that was asked for and that the deployment does not know."""

    __tablename__ = "strangers"

    deployment_id: Mapped[str] = mapped_column(
        ForeignKey("deployments.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[bytes] = mapped_column(LargeBinary(8))
    """Eight bytes of BLAKE2b: enough to recognize an id, and nothing of it is kept."""


class OracleCallRow(Base):
    """One question to the oracle; it outlives the deployment it was about."""

    __tablename__ = "oracle_calls"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    client: Mapped[str] = mapped_column(String(200))
    deployment_id: Mapped[str] = mapped_column(String(32))
    n_users: Mapped[int]
    n_unknown: Mapped[int]
