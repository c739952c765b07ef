"""One maker at a time for each artefact: attacks at the same moment may need the same one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class _Turn:
    lock: threading.Lock = field(default_factory=threading.Lock)
    n_there: int = 0


class Making:
    """Turns to make an artefact, by its name; a name that nobody makes or waits for takes no memory."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, artifact: str, *, every_s: float, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the turn of an artefact.

        waiting  called every so many seconds while somebody else has it; what it raises ends the wait
        """
        with self._lock:
            turn = self._turns.setdefault(artifact, _Turn())
            turn.n_there += 1
        try:
            while not turn.lock.acquire(timeout=every_s):
                waiting()
            try:
                yield
            finally:
                turn.lock.release()
        finally:
            with self._lock:
                turn.n_there -= 1
                if turn.n_there == 0:
                    del self._turns[artifact]
