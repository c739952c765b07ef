"""The tables of the attacker service. Nothing in them tells who is a member, and no key is ever in them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.migrations import new_metadata

GROWING = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers only INTEGER keys by itself


class Base(DeclarativeBase):
    """What all tables have in common."""

    metadata = new_metadata()


metadata = Base.metadata


class AttackRow(Base):
    """An attack and where it stands."""

    __tablename__ = "attacks"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    stage: Mapped[str | None] = mapped_column(String(32))
    """The stage under way or next; None when done."""
    fraction: Mapped[float]
    note: Mapped[str] = mapped_column(Text)
    spec: Mapped[dict[str, Any]] = mapped_column(JSON)
    deployment: Mapped[str | None] = mapped_column(Text)
    """The target's deployment that gave the lists; None = none yet, or a target that does not say which."""
    lists: Mapped[int] = mapped_column(BigInteger)
    requests: Mapped[int] = mapped_column(BigInteger)
    repeats: Mapped[int] = mapped_column(BigInteger)
    query_seconds: Mapped[float]
    seal: Mapped[str | None] = mapped_column(String(64))
    """Hash of the scores, stored before the referee asks for a label."""
    judgement: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    versions: Mapped[dict[str, Any]] = mapped_column(JSON)
    data_hashes: Mapped[dict[str, Any]] = mapped_column(JSON)
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class StepRow(Base):
    """A step of a stage: the artefact it makes, and the seconds it took once it is stored."""

    __tablename__ = "stages"

    attack_id: Mapped[str] = mapped_column(ForeignKey("attacks.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    artifact: Mapped[str | None] = mapped_column(String(200), index=True)
    """None for a step whose result is in the attack's row."""
    seconds: Mapped[float | None]
    """None while it is under way: the row is there already, so that nobody deletes what it uses."""


class ChunkRow(Base):
    """Lists that were received and stored; nobody asks for them again."""

    __tablename__ = "chunks"

    attack_id: Mapped[str] = mapped_column(ForeignKey("attacks.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    artifact: Mapped[str] = mapped_column(String(200))
    n_lists: Mapped[int]


class EventRow(Base):
    """Something that happened to an attack."""

    __tablename__ = "events"
    __table_args__ = ({"sqlite_autoincrement": True},)  # ids only grow, even after a deletion

    id: Mapped[int] = mapped_column(GROWING, primary_key=True)
    attack_id: Mapped[str] = mapped_column(ForeignKey("attacks.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(String(16))
    stage: Mapped[str | None] = mapped_column(String(32))
    fraction: Mapped[float]
    note: Mapped[str] = mapped_column(Text)
