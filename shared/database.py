"""One database per service: SQLite by default, PostgreSQL by URL; errors are translated once, here."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from shared.errors import BadInput, Conflict, StorageFailed
from shared.migrations import upgrade

BUSY_TIMEOUT_S = 30.0
_WRITES = "recleak_writes"
_ADVICE = (
    ("full", "free some space"),
    ("no space", "free some space"),
    ("locked", "another process is writing, try again"),
    ("malformed", "the file is damaged: restore a backup or move it away"),
    ("not a database", "the file is damaged or something else: restore a backup or choose another path"),
    ("readonly", "make the file and its folder writable"),
    ("unable to open", "check that the folder exists and is writable"),
    ("connect", "check that the server runs and that the URL is right"),
)


class Database:
    """An open database at the newest schema.

    SQLite has one writer: writers of this process queue at a lock, those of others at SQLite's own, each for
    at most BUSY_TIMEOUT_S. Readers never wait (WAL).
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name = _shown(engine.url)
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._writer = threading.Lock()
        reading = engine.execution_options(postgresql_readonly=True)
        self._reading = sessionmaker(reading, expire_on_commit=False)
        self._writing = sessionmaker(engine.execution_options(**{_WRITES: True}), expire_on_commit=False)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that sees one state of the database; a write in it is refused.

        Raises StorageFailed if the database cannot be reached or read.
        """
        with _translated(self.engine.url), self._reading() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session that commits at the end of the block and rolls back on any error.

        Keep it short, and do not open a second one inside: it would wait for the first.
        Raises StorageFailed if the database cannot be reached or written; Conflict if a row contradicts
        those stored (the store may catch IntegrityError at its own flush to say it better).
        """
        with self._turn(), _translated(self.engine.url), self._writing.begin() as session:
            yield session

    def ping(self) -> None:
        """Ask the database for nothing in particular; raises StorageFailed if it does not answer."""
        with self.read() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._is_sqlite:
            yield
            return
        if not self._writer.acquire(timeout=BUSY_TIMEOUT_S):
            raise StorageFailed(f"the database {self.name} was busy for {BUSY_TIMEOUT_S:.0f} s; try again")
        try:
            yield
        finally:
            self._writer.release()


def open_database(url: str, *, migrations: str) -> Database:
    """Open a database, creating an SQLite file that does not exist, and bring it to the newest schema.

    url         "sqlite:///path", "postgresql+psycopg://user:password@host/name"
    migrations  "package:folder" with Alembic's `env.py` and `versions/`, such as "services.target:migrations"
    Raises BadInput if the URL cannot be used; StorageFailed if the database cannot.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        _prepare_file(parsed)
    with _translated(parsed):
        # rebuilding a table, as SQLite's migrations do, would delete the rows that refer to it
        migrating = _make_engine(parsed, foreign_keys=False).execution_options(**{_WRITES: True})
        try:
            with migrating.begin() as connection:
                upgrade(connection, migrations=migrations)
        finally:
            migrating.dispose()
    return Database(_make_engine(parsed, foreign_keys=True))


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError) as error:
        raise BadInput(
            "the database URL cannot be read; it looks like sqlite:///recleak.db "
            "or postgresql+psycopg://user:password@host/name"
        ) from error
    except ModuleNotFoundError as error:
        raise BadInput(f"this database needs the package {error.name}; install recleak[postgres]") from error
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise BadInput("an SQLite database needs a file: sqlite:///recleak.db")
    return parsed


def _make_engine(url: URL, *, foreign_keys: bool) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, hide_parameters=True, pool_pre_ping=True)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
        # IMMEDIATE: a reader that turns writer late fails at once, whatever the timeout
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _prepare_file(url: URL) -> None:
    """Make the folder, and switch the file to WAL, which stays in the file."""
    assert url.database is not None  # _parse refused it
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(
            f"the folder of {url.database} cannot be made ({error}); choose another"
        ) from error
    try:
        connection = sqlite3.connect(url.database, timeout=BUSY_TIMEOUT_S)
    except sqlite3.Error as error:
        raise StorageFailed(_sentence(url, error)) from error
    try:
        while not _switch_to_wal(connection) and time.monotonic() < deadline:
            time.sleep(0.02)  # SQLite's own timeout does not cover this switch
    except sqlite3.Error as error:
        raise StorageFailed(_sentence(url, error)) from error
    finally:
        connection.close()


def _switch_to_wal(connection: sqlite3.Connection) -> bool:
    try:
        return bool(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        return False


@contextmanager
def _translated(url: URL) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise Conflict(f"a row contradicts those stored: {error.orig}") from error
    except (ProgrammingError, DataError):
        raise  # our own bug, not the storage's
    except (DBAPIError, PoolTimeout) as error:
        raise StorageFailed(_sentence(url, getattr(error, "orig", None) or error)) from error


def _sentence(url: URL, error: BaseException) -> str:
    said = " ".join(str(error).split()).rstrip(".")
    if url.password:
        said = said.replace(str(url.password), "***")
    advice = next((advice for word, advice in _ADVICE if word in said.lower()), "see the service's log")
    return f"the database {_shown(url)} failed: {said}; {advice}"


def _shown(url: URL) -> str:
    secret = [key for key in url.query if "password" in key.lower()]
    return url.difference_update_query(secret).render_as_string(hide_password=True)
