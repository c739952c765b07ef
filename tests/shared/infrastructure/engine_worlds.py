"""What the engines' tests share: how long they wait, who reports, and a cluster on this machine."""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dask
from distributed import LocalCluster

ROOT = Path(__file__).parents[3]
WAIT_S = 30.0


class Pids:
    """Collects the process ids that jobs report, and waits for the first, or for another than the first."""

    def __init__(self) -> None:
        self._found: list[int] = []
        self._arrived = threading.Condition()

    def __call__(self, fraction: float, note: str) -> None:
        with self._arrived:
            self._found.append(int(note))
            self._arrived.notify_all()

    def first(self) -> int:
        with self._arrived:
            assert self._arrived.wait_for(lambda: self._found, WAIT_S)
            return self._found[0]

    def all_found(self) -> set[int]:
        with self._arrived:
            return set(self._found)

    def second(self) -> int:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(set(self._found)) > 1, WAIT_S)
            return next(pid for pid in self._found if pid != self._found[0])


def is_gone(pid: int) -> bool:
    """Wait until a process that is not our child has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(multiprocessing.connection.wait([descriptor], WAIT_S))
    finally:
        os.close(descriptor)


@contextmanager
def local_cluster(n_workers: int = 2) -> Iterator[str]:
    """Start a cluster of worker processes that gives a task up after two deaths; gives its address."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
        ) as cluster,
    ):
        yield cluster.scheduler_address
