"""Which of the target's deployments an attack is about."""

import sqlalchemy as sa
from alembic import op

revision = "a0002"
down_revision = "a0001"


def upgrade() -> None:
    op.add_column("attacks", sa.Column("deployment", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("attacks", "deployment")
