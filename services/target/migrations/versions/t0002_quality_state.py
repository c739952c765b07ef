"""Whether HR@k was measured, in a column of its own."""

import sqlalchemy as sa
from alembic import op

revision = "t0002"
down_revision = "t0001"


def upgrade() -> None:
    column = sa.Column("quality", sa.String(length=16), nullable=False, server_default="pending")
    with op.batch_alter_table("deployments") as table:
        table.add_column(column)
    op.execute("UPDATE deployments SET quality = 'measured' WHERE hr_at_k IS NOT NULL")
    op.execute("UPDATE deployments SET quality = 'failed' WHERE note LIKE '%was not measured%'")


def downgrade() -> None:
    op.drop_column("deployments", "quality")
