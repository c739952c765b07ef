import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"


def upgrade() -> None:
    with op.batch_alter_table("runs") as table:
        table.alter_column("name", type_=sa.String(40), existing_type=sa.String(20))
