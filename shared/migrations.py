"""Bring a database to the newest schema with Alembic: at start, once, even if two processes start together.

The `env.py` of a service's `migrations/` folder is two imports and one line:

    from services.target.tables import metadata
    from shared.migrations import run_migrations

    run_migrations(metadata)
"""

import threading

from alembic import command, context
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util.exc import CommandError
from sqlalchemy import Connection, MetaData, text

from shared.errors import StorageFailed

_ADVISORY_LOCK = 0x7265636C65616B  # "recleak": any number that no other program on the server uses
_CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
_one_at_a_time = threading.Lock()  # Alembic keeps its context in a module


def new_metadata() -> MetaData:
    """Make the metadata of a service's tables: constraints get names, so that a migration can drop them."""
    return MetaData(naming_convention=_CONVENTION)


def upgrade(connection: Connection, *, migrations: str) -> None:
    """Run every migration that a database lacks, in one transaction that the caller commits.

    migrations  "package:folder", such as "services.target:migrations"
    A second process waits until the first has committed, then finds nothing to do.
    Raises StorageFailed if the schema is newer than this program or a migration breaks a foreign key.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    config = Config()
    config.set_main_option("script_location", migrations)
    config.attributes["connection"] = connection
    with _one_at_a_time:
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StorageFailed(
                f"the database has a schema this version does not know ({error}); "
                "update RecLeak or use another database"
            ) from error
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise StorageFailed("a migration left rows that refer to nothing; nothing was changed, report this")


def run_migrations(metadata: MetaData) -> None:
    """Be the whole of a service's `env.py`: run the migrations on the connection that `upgrade` was given."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


def differences(connection: Connection, metadata: MetaData) -> list[str]:
    """Say where a migrated database and the tables in the code differ; empty = they agree."""
    found = compare_metadata(MigrationContext.configure(connection), metadata)
    return [str(difference) for difference in found]


def draft(connection: Connection, metadata: MetaData) -> str:
    """Write the body of the `upgrade()` that would bring a database to the tables in the code."""
    migration = produce_migrations(MigrationContext.configure(connection), metadata)
    assert migration.upgrade_ops is not None  # produce_migrations always sets it
    return str(render_python_code(migration.upgrade_ops, render_as_batch=True))
