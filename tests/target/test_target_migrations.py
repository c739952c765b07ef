"""The migrations make the tables that the code describes, and can be taken back."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect

from services.target.tables import metadata
from shared.database import open_database
from shared.migrations import differences

MIGRATIONS = "services.target:migrations"


def test_an_empty_database_gets_the_tables_of_the_code(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/a.db", migrations=MIGRATIONS)
    with database.engine.connect() as connection:
        assert differences(connection, metadata) == []
        tables = set(inspect(connection).get_table_names())
    database.close()

    assert tables == {*metadata.tables, "alembic_version"}


def test_everything_can_be_taken_back(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path}/a.db", migrations=MIGRATIONS).close()
    engine = create_engine(f"sqlite:///{tmp_path}/a.db")
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    with engine.connect() as connection:
        tables = inspect(connection).get_table_names()
    engine.dispose()

    assert tables == ["alembic_version"]
