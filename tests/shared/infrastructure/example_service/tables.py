"""Two tables, one referring to the other."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table

from shared.migrations import new_metadata

metadata = new_metadata()
runs = Table(
    "runs", metadata, Column("id", Integer, primary_key=True), Column("name", String(40), unique=True)
)
cells = Table(
    "cells",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("note", String(40), nullable=False),
)
