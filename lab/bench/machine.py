"""What the figures were measured on, and whether it was quiet."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lab.bench import roofline
from lab.bench.roofline import Roof
from shared import __version__

_PACKAGES = ("numpy", "scipy", "numba", "torch", "fastapi", "uvicorn", "aiohttp")
_BUSY_LOAD = 0.25  # of a core: the system's own chores stay below
_BUSY_SHARE = 0.05
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PLACES_OF_REST = (3, 4)  # idle and waiting for a disk, in /proc/stat


@dataclass(frozen=True)
class Machine:
    """A machine and what is installed on it.

    load  runnable processes, averaged over the last minute, before the first measurement
    roof  what one core can do at most
    """

    processor: str
    n_cores: int
    memory_bytes: int
    system: str
    load: float
    roof: Roof
    versions: dict[str, str]


def describe() -> Machine:
    """Look at this machine."""
    return Machine(
        processor=_processor(),
        n_cores=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        system=f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        load=os.getloadavg()[0],
        roof=roofline.measure(),
        versions={"recleak": __version__} | {package: _version(package) for package in _PACKAGES},
    )


def is_loaded(load: float) -> bool:
    """Say whether others are at work on a machine that runs nothing of ours yet."""
    return load > _BUSY_LOAD


def is_disturbed(others_share: float) -> bool:
    """Say whether others took so much of the machine during a measurement that it does not count."""
    return others_share > _BUSY_SHARE


@dataclass(frozen=True)
class Usage:
    """Seconds of processor time up to now: of all, and of our own processes."""

    everybody: float
    ours: float

    @staticmethod
    def now(alive: Sequence[int] = ()) -> "Usage":
        """Read the counters; without /proc/stat nobody but us is seen.

        alive  processes of ours that run on
        """
        times = os.times()
        ours = times.user + times.system + times.children_user + times.children_system
        ours += sum(map(_seconds_of, alive))
        stat = Path("/proc/stat")
        if not stat.exists():
            return Usage(ours, ours)
        ticks = [int(field) for field in stat.read_text().split("\n", 1)[0].split()[1:9]]
        busy = sum(count for place, count in enumerate(ticks) if place not in _PLACES_OF_REST)
        return Usage(busy / _TICKS, ours)

    def others_share(self, since: "Usage", wall_s: float) -> float:
        """Share of the machine, in [0, 1], that others had between two moments."""
        theirs = (self.everybody - since.everybody) - (self.ours - since.ours)
        return min(max(theirs / max(wall_s * (os.cpu_count() or 1), 1e-9), 0.0), 1.0)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # torch is there for peers only
        return "absent"


def _seconds_of(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
