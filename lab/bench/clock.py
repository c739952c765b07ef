"""What every measured process says of itself; the peers' processes too, so only the standard library is used.

The last line that such a process prints is JSON: see `Clock.tell`.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Clock:
    """Times the measured parts of a process and watches its memory while they run."""

    def __init__(self) -> None:
        self._parts: dict[str, float] = {}
        self.peak_bytes = 0
        self.before_bytes = 0

    @property
    def seconds(self) -> float:
        """All parts together, up to now."""
        return sum(self._parts.values())

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Measure what happens inside; parts of one name add up."""
        if not self._parts:
            self.before_bytes = resident_bytes()
            _forget_peak()
        began = time.perf_counter()
        yield
        self._parts[name] = self._parts.get(name, 0.0) + time.perf_counter() - began
        self.peak_bytes = resident_bytes("VmHWM")

    def tell(
        self,
        *,
        units: float,
        figures: Mapping[str, float] | None = None,
        flops: float = 0.0,
        moved_bytes: float = 0.0,
        packages: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        """Print all that was measured.

        units     how much work was done: lists, samples, ...
        figures   what came out: a hit rate, ...
        flops     floating point operations that the work needs at least; 0 = not counted
        moved_bytes  bytes that must come from memory and go there, caches as large as may be; 0 = not counted
        packages  those whose versions matter
        notes     what a reader must know to compare
        """
        told = {
            "seconds": self.seconds,
            "units": units,
            "parts": self._parts,
            "peak_bytes": self.peak_bytes,
            "before_bytes": self.before_bytes,
            "figures": dict(figures or {}),
            "flops": flops,
            "moved_bytes": moved_bytes,
            "versions": {package: version(package) for package in packages},
            "notes": list(notes),
        }
        sys.stdout.write(f"\n{json.dumps(told)}\n")
        sys.stdout.flush()


def resident_bytes(field: str = "VmRSS") -> int:
    """Bytes in memory now (VmRSS) or at most since the peak was forgotten (VmHWM).

    Not by getrusage where /proc is: a process inherits the peak of the one that started it.
    """
    if not _STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    for line in _STATUS.read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"{_STATUS} does not say {field}")


def _forget_peak() -> None:
    if _RESET.exists():
        _RESET.write_text("5")
