"""One writer, many readers, schema brought up to date at start, and every failure one sentence."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import ProgrammingError

from shared.database import Database, open_database
from shared.errors import BadInput, Conflict, StorageFailed
from shared.migrations import differences, draft, new_metadata
from tests.shared.infrastructure.example_service.tables import cells, metadata, runs

MIGRATIONS = "tests.shared.infrastructure.example_service:migrations"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/new/folder/a.db", migrations=MIGRATIONS)
    yield opened
    opened.close()


def names(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(runs.c.name).order_by(runs.c.id)))


def test_opening_creates_the_file_at_the_newest_schema(database: Database) -> None:
    with database.engine.connect() as connection:
        assert differences(connection, metadata) == []
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "r0002"


def test_rebuilding_a_table_keeps_the_rows_that_refer_to_it(database: Database) -> None:
    """The second migration rebuilds `runs`; with foreign keys on, its drop would cascade into `cells`."""
    with database.read() as session:
        assert session.scalars(select(cells.c.note)).all() == ["kept"]


def test_a_draft_says_what_a_migration_lacks(database: Database) -> None:
    with database.engine.connect() as connection:
        assert "drop_table('cells')" in draft(connection, new_metadata())
        assert len(differences(connection, new_metadata())) >= 2


def test_opening_again_changes_nothing(database: Database) -> None:
    again = open_database(str(database.engine.url), migrations=MIGRATIONS)

    assert names(again) == ["kept"]
    again.close()


def test_a_write_is_seen_by_later_reads(database: Database) -> None:
    with database.write() as session:
        session.execute(insert(runs).values(name="a"))

    assert names(database) == ["kept", "a"]


def test_an_error_rolls_the_write_back(database: Database) -> None:
    with pytest.raises(LookupError), database.write() as session:
        session.execute(insert(runs).values(name="a"))
        raise LookupError

    assert names(database) == ["kept"]


def test_a_write_in_a_read_is_refused(database: Database) -> None:
    with pytest.raises(StorageFailed, match="readonly"), database.read() as session:
        session.execute(insert(runs).values(name="a"))


def test_foreign_keys_are_enforced(database: Database) -> None:
    with pytest.raises(Conflict, match="FOREIGN KEY"), database.write() as session:
        session.execute(insert(cells).values(run_id=99, note="x"))


def test_a_repeated_name_is_a_conflict(database: Database) -> None:
    with pytest.raises(Conflict, match="UNIQUE"), database.write() as session:
        session.execute(insert(runs).values(name="kept"))


def test_many_writers_in_threads_all_get_through(database: Database) -> None:
    def write(name: str) -> None:
        for number in range(10):
            with database.write() as session:
                session.scalars(select(runs.c.id)).all()
                session.execute(insert(runs).values(name=f"{name}{number}"))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(names(database)) == 41


def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    with database.write() as session:
        session.execute(insert(runs).values(name="a"))

        assert names(database) == ["kept"]


def open_together(url: str) -> None:
    script = f"from shared.database import *; open_database({url!r}, migrations={MIGRATIONS!r}).ping()"
    command = [sys.executable, "-c", script]
    started = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) for _ in range(4)]
    said = [process.communicate()[1] for process in started]

    assert [process.returncode for process in started] == [0] * 4, said


def test_processes_that_start_together_migrate_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/together.db"

    open_together(url)

    opened = open_database(url, migrations=MIGRATIONS)
    assert names(opened) == ["kept"]
    opened.close()


def test_a_full_disk_is_one_sentence_with_advice(database: Database) -> None:
    """SQLite's own page limit raises the error that a full disk raises."""
    full = pytest.raises(StorageFailed, match=r"a\.db failed: .*full; free some space")

    with full, database.write() as session:
        session.connection().exec_driver_sql("PRAGMA max_page_count = 1")
        for number in range(2000):
            session.execute(insert(runs).values(name=f"{number:040d}"))

    assert names(database) == ["kept"]


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_bytes(b"Dear Sir or Madam, " * 100)

    with pytest.raises(StorageFailed, match="not a database"):
        open_database(f"sqlite:///{path}", migrations=MIGRATIONS)
    assert path.read_bytes().startswith(b"Dear Sir")


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageFailed, match=r"^the folder of .*a\.db cannot be made .*; choose another$"):
        open_database(f"sqlite:///{tmp_path}/file/a.db", migrations=MIGRATIONS)


def test_a_newer_schema_is_refused(database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))

    with pytest.raises(StorageFailed, match=r"from-the-future.*update RecLeak"):
        open_database(str(database.engine.url), migrations=MIGRATIONS)


def test_a_mistake_in_our_sql_is_not_called_a_storage_failure(database: Database) -> None:
    with pytest.raises(ProgrammingError), database.read() as session:
        session.connection().exec_driver_sql("SELECT ?")


@pytest.mark.parametrize("url", ["nonsense", "sqlite://", "sqlite:///:memory:", "oracle9://x/y"])
def test_an_unusable_url_is_bad_input(url: str) -> None:
    with pytest.raises(BadInput, match="sqlite:///"):
        open_database(url, migrations=MIGRATIONS)


def test_an_unreachable_server_is_named_without_its_password() -> None:
    with pytest.raises(StorageFailed) as caught:
        open_database("postgresql+psycopg://me:hunter2@127.0.0.1:1/x", migrations=MIGRATIONS)

    assert "hunter2" not in str(caught.value)
    assert "me:***@127.0.0.1" in str(caught.value) and "check that the server runs" in str(caught.value)


@pytest.mark.postgres
def test_postgresql_behaves_the_same() -> None:
    url = os.environ.get("RECLEAK_TEST_POSTGRES_URL")
    if url is None:
        pytest.skip("RECLEAK_TEST_POSTGRES_URL is not set")
    open_together(url)
    database = open_database(url, migrations=MIGRATIONS)
    try:
        with database.write() as session:
            session.execute(insert(runs).values(id=2, name="a"))
        assert names(database) == ["kept", "a"]
        with pytest.raises(Conflict), database.write() as session:
            session.execute(insert(runs).values(id=3, name="a"))
        with pytest.raises(StorageFailed), database.read() as session:
            session.execute(insert(runs).values(id=3, name="b"))
        with database.engine.connect() as connection:
            assert [found for found in differences(connection, metadata) if "alembic" not in found] == []
    finally:
        with database.engine.begin() as connection:
            connection.execute(text("DROP TABLE cells, runs, alembic_version"))
        database.close()
