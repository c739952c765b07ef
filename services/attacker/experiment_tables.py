"""The tables of experiments; their figures lie in a folder each, and in artefacts."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.attacker.tables import GROWING, Base


class ExperimentRow(Base):
    """An experiment and where it stands."""

    __tablename__ = "experiments"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    fraction: Mapped[float]
    note: Mapped[str] = mapped_column(Text)
    spec: Mapped[dict[str, Any]] = mapped_column(JSON)
    jobs: Mapped[dict[str, Any]] = mapped_column(JSON)
    """[done, total] by kind; empty until it is planned."""
    failed: Mapped[int] = mapped_column(Integer)
    """How many failures this try has seen."""
    data_hashes: Mapped[dict[str, Any]] = mapped_column(JSON)
    versions: Mapped[dict[str, Any]] = mapped_column(JSON)
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ExperimentArtifactRow(Base):
    """An artefact that an experiment makes or uses; it is there before the artefact is."""

    __tablename__ = "experiment_artifacts"

    experiment_id: Mapped[str] = mapped_column(
        ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True
    )
    artifact: Mapped[str] = mapped_column(String(200), primary_key=True, index=True)


class ExperimentEventRow(Base):
    """Something that happened to an experiment."""

    __tablename__ = "experiment_events"
    __table_args__ = ({"sqlite_autoincrement": True},)  # ids only grow, even after a deletion

    id: Mapped[int] = mapped_column(GROWING, primary_key=True)
    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(String(16))
    fraction: Mapped[float]
    note: Mapped[str] = mapped_column(Text)
    failed: Mapped[int] = mapped_column(Integer)
