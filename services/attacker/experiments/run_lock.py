"""One process at a time works on a run's folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import Conflict

_LOCK_FILE = ".lock"


@contextmanager
def working_on(folder: Path) -> Iterator[None]:
    """Work on a run alone; the system lets go of it however this process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / _LOCK_FILE, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        if not _lock(descriptor, fcntl.LOCK_EX):
            raise Conflict(f"another process works on {folder}; wait for it, or stop it")
        yield
    finally:
        os.close(descriptor)


def is_worked_on(folder: Path) -> bool:
    """Say whether a process works on a run."""
    if not (folder / _LOCK_FILE).exists():
        return False
    descriptor = os.open(folder / _LOCK_FILE, os.O_RDONLY)
    try:
        return not _lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
