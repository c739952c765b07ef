"""Work for the engines' tests: top-level functions, as a spawned process needs them."""

import os
import secrets
import signal
import sys
import threading

from shared.errors import BadInput
from shared.parallel import n_threads
from shared.progress import Progress


class OddError(BadInput):
    """An error whose constructor does not take its own text back."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__(f"{name} is {number}")


def add(a: int, b: int, *, progress: Progress) -> int:
    progress.step(0.5, "half way")
    progress.step(1.0, "added")
    return a + b


def draw(*, progress: Progress) -> int:
    return secrets.randbits(64)


def report_often(n: int, *, progress: Progress) -> int:
    for number in range(n):
        progress.step((number + 1) / n, f"step {number + 1}")
    return n


def refuse(*, progress: Progress) -> None:
    raise BadInput("k must be at least 1")


def refuse_oddly(*, progress: Progress) -> None:
    raise OddError("k", 0)


def divide(*, progress: Progress) -> float:
    return 1 / 0


def until_stopped(*, progress: Progress) -> None:
    while True:
        progress.step(0.1, f"{os.getpid()}")


def deaf(*, progress: Progress) -> None:
    """Never polls."""
    progress.step(0.1, f"{os.getpid()}")
    threading.Event().wait()


def kill_own_process(*, progress: Progress) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave(*, progress: Progress) -> None:
    sys.exit(3)


def not_plain(*, progress: Progress) -> object:
    return lambda: 0


def threads_of_our_loops(*, progress: Progress) -> int:
    return n_threads()


def thread_limits(*, progress: Progress) -> tuple[str, int]:
    import numba

    return os.environ["OMP_NUM_THREADS"], numba.get_num_threads()


def interrupt_own_process(*, progress: Progress) -> str:
    os.kill(os.getpid(), signal.SIGINT)
    return "went on"


def give_back(given: object, *, progress: Progress) -> object:
    return given


def meet(meeting: threading.Barrier, *, progress: Progress) -> int:
    return meeting.wait(30.0)


def library_threads(*, progress: Progress) -> list[int]:
    from threadpoolctl import threadpool_info

    return [library["num_threads"] for library in threadpool_info()]


def deaf_until(free: threading.Event, *, progress: Progress) -> None:
    """Does not poll until somebody sets it free."""
    progress.step(0.1, f"{os.getpid()}")
    free.wait()
