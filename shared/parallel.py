"""Blocks of work on threads, for compiled loops that release the interpreter's lock.

How many threads there are changes the time and nothing else: who cuts the blocks must see to it that no block
reads what another one writes.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, BrokenBarrierError

from shared.errors import BadInput

THREADS = "RECLEAK_THREADS"
"""Environment variable: threads that one computation may use; as many as there are cores if unset."""


class _Limit(threading.local):
    n_threads: int | None = None


_limit = _Limit()


def n_threads() -> int:
    """Say how many threads a computation may use that is begun in this thread, at least 1.

    Raises BadInput if RECLEAK_THREADS is no whole number above 0.
    """
    return _limit.n_threads or _n_threads_asked() or n_cores()


@contextmanager
def limited_to(n: int) -> Iterator[None]:
    """Let computations that are begun in this thread use n threads, within the `with` block."""
    before, _limit.n_threads = _limit.n_threads, n
    try:
        yield
    finally:
        _limit.n_threads = before


def threads_of_each(n_workers: int) -> int:
    """Say how many threads each of so many workers may use; all together have those of one process."""
    return max(1, (_n_threads_asked() or n_cores()) // n_workers)


def _n_threads_asked() -> int | None:
    asked = os.environ.get(THREADS)
    if asked is None:
        return None
    if not asked.isdecimal() or int(asked) < 1:
        raise BadInput(f"{THREADS} must be a whole number above 0, found {asked!r}")
    return int(asked)


def n_cores() -> int:
    """Say how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_blocks(work: Callable[[int, int], object], n: int, *, block: int) -> None:
    """Call work(start, stop) for blocks that cover 0, ..., n - 1, in no order, and wait for all.

    block  the length of each but the last
    An error in one block is raised here once the others are done. Raises ValueError if block < 1.
    """
    if block < 1:
        raise ValueError(f"blocks must have at least one element, found {block}")
    blocks = [(start, min(start + block, n)) for start in range(0, n, block)]
    workers = min(n_threads(), len(blocks))
    if workers <= 1:
        for start, stop in blocks:
            work(start, stop)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="blocks") as pool:
        for done in [pool.submit(work, start, stop) for start, stop in blocks]:
            done.result()


def run_rounds(work: Callable[[int, int], object], n_rounds: int, *, n_tasks: int) -> None:
    """Call work(number, task): the tasks of a round at once, in no order, one round after the other.

    An error in one task is raised here; what is under way then is waited for, and no further round begins.
    """
    workers = min(n_threads(), n_tasks)
    if workers <= 1:
        for number in range(n_rounds):
            for task in range(n_tasks):
                work(number, task)
        return
    together = Barrier(workers)

    def take_turns(worker: int) -> None:
        try:
            for number in range(n_rounds):
                for task in range(worker, n_tasks, workers):
                    work(number, task)
                together.wait()
        except BrokenBarrierError:  # another one failed, and tells why
            return
        except BaseException:
            together.abort()
            raise

    with ThreadPoolExecutor(workers, thread_name_prefix="rounds") as pool:
        for done in [pool.submit(take_turns, worker) for worker in range(workers)]:
            done.result()


def share(n: int, *, least: int = 1, shares: int = 4) -> int:
    """Give a block length that leaves each thread about `shares` blocks of at least `least` elements."""
    return max(least, -(-n // (n_threads() * shares)))
