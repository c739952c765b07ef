"""The memory of a process and all its children together, watched while they work."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_EVERY_S = 0.05
_PROC = Path("/proc")


class FamilyMemory:
    """Bytes of a process and its descendants, shared pages counted once; 0 where /proc does not tell.

    before_bytes  when watching began
    peak_bytes    the most that was seen, looked at every 50 ms
    """

    def __init__(self) -> None:
        self.before_bytes = 0
        self.peak_bytes = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch while inside."""
        self.before_bytes = self.peak_bytes = family_bytes(os.getpid())
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(ended,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(_EVERY_S):
            self.peak_bytes = max(self.peak_bytes, family_bytes(os.getpid()))


def family_bytes(pid: int) -> int:
    """Give the proportional memory of a process and its descendants now; what has ended counts 0."""
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text()
        listed = [file.read_text() for file in (_PROC / str(pid) / "task").glob("*/children")]
    except OSError:
        return 0
    kilobytes = next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)
    children = {int(child) for children in listed for child in children.split()}
    return kilobytes * 1024 + sum(map(family_bytes, children))
