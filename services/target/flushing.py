"""Stores the query counts in the background, so that the read route never waits for a database."""

import logging
import threading

from services.target import store
from services.target.serving import Serving
from shared.database import Database
from shared.errors import StorageFailed

_log = logging.getLogger(__name__)


class Flusher:
    """A thread that stores what changed every `interval_s`, and once more when it is closed."""

    def __init__(self, database: Database, serving: Serving, *, interval_s: float) -> None:
        self._database = database
        self._serving = serving
        self._interval_s = interval_s
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recleak-query-counts", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Store what is left and end the thread."""
        self._closed.set()
        self._thread.join()
        flush(self._database, self._serving)

    def _run(self) -> None:
        while not self._closed.wait(self._interval_s):
            flush(self._database, self._serving)


def flush(database: Database, serving: Serving) -> None:
    """Store all changed counts; those that cannot be stored now are kept for the next time, and logged."""
    for queries in serving.query_logs():
        changes = queries.take_changes()
        if changes is None:
            continue
        try:
            with database.write() as session:
                store.save_counted(session, changes)
        except StorageFailed as error:
            queries.put_back(changes)
            _log.error("query counts of %s were not stored: %s", queries.deployment_id, error)
