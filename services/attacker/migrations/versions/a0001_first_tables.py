"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "a0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "attacks",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=True),
        sa.Column("fraction", sa.Double(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("lists", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("repeats", sa.BigInteger(), nullable=False),
        sa.Column("query_seconds", sa.Double(), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=True),
        sa.Column("judgement", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.Column("data_hashes", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attacks")),
    )
    op.create_table(
        "stages",
        sa.Column("attack_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("artifact", sa.String(length=200), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["attack_id"], ["attacks.id"], name=op.f("fk_stages_attack_id_attacks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("attack_id", "name", name=op.f("pk_stages")),
    )
    op.create_index(op.f("ix_stages_artifact"), "stages", ["artifact"])
    op.create_table(
        "chunks",
        sa.Column("attack_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("artifact", sa.String(length=200), nullable=False),
        sa.Column("n_lists", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attack_id"], ["attacks.id"], name=op.f("fk_chunks_attack_id_attacks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("attack_id", "number", name=op.f("pk_chunks")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("attack_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=True),
        sa.Column("fraction", sa.Double(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attack_id"], ["attacks.id"], name=op.f("fk_events_attack_id_attacks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_events_attack_id"), "events", ["attack_id"])


def downgrade() -> None:
    for name in ("events", "chunks", "stages", "attacks"):
        op.drop_table(name)
