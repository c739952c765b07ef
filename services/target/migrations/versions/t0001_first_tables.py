"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "t0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "deployments",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("fraction", sa.Double(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("membership_seed", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("hr_at_k", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("artifact", sa.String(length=200), nullable=True),
        sa.Column("model", sa.String(length=200), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments")),
    )
    op.create_table(
        "oracle_calls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.Column("deployment_id", sa.String(length=32), nullable=False),
        sa.Column("n_users", sa.Integer(), nullable=False),
        sa.Column("n_unknown", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oracle_calls")),
    )
    op.create_table(
        "query_counts",
        sa.Column("deployment_id", sa.String(length=32), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.Column("k", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lists", sa.BigInteger(), nullable=False),
        sa.Column("repeated", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployments.id"],
            name=op.f("fk_query_counts_deployment_id_deployments"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("deployment_id", "client", "k", name=op.f("pk_query_counts")),
    )
    op.create_table(
        "strangers",
        sa.Column("deployment_id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployments.id"],
            name=op.f("fk_strangers_deployment_id_deployments"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("deployment_id", "place", name=op.f("pk_strangers")),
    )
    op.create_table(
        "users",
        sa.Column("deployment_id", sa.String(length=32), nullable=False),
        sa.Column("user_row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployments.id"],
            name=op.f("fk_users_deployment_id_deployments"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("deployment_id", "user_row", name=op.f("pk_users")),
        sa.UniqueConstraint("deployment_id", "user_id", name=op.f("uq_users_deployment_id_user_id")),
    )
    op.create_table(
        "memberships",
        sa.Column("deployment_id", sa.String(length=32), nullable=False),
        sa.Column("user_row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_member", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id", "user_row"],
            ["users.deployment_id", "users.user_row"],
            name=op.f("fk_memberships_deployment_id_user_row_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("deployment_id", "user_row", name=op.f("pk_memberships")),
    )


def downgrade() -> None:
    for name in ("memberships", "users", "strangers", "query_counts", "oracle_calls", "deployments"):
        op.drop_table(name)
