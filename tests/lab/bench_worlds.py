"""Contenders that measure nothing, and settings for toys."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.bench.machine import Machine
from lab.bench.peers import Venvs
from lab.bench.report import Report
from lab.bench.roofline import Roof
from lab.bench.runs import Contender, Goal, Measured, Outcome, Work
from lab.bench.settings import Settings
from shared.errors import JobFailed

QUIET = Machine(
    "a processor", 2, 8 * 2**30, "a system", load=0.0, roof=Roof(1e11, 1e10), versions={"numpy": "2"}
)


def settings(folder: Path) -> Settings:
    return Settings(
        folder=folder,
        data_dir=folder,
        venvs=Venvs(folder / "venvs", is_allowed=False),
        rounds=1,
        is_quick=True,
        n_threads=1,
    )


def told(**changes: object) -> list[str]:
    """A command that tells of one second for ten units."""
    said = {"seconds": 1.0, "units": 10, **changes}
    return [sys.executable, "-c", f"print('noise'); print({json.dumps(said)!r})"]


def work(contenders: Sequence[Contender], *goals: Goal) -> Work:
    @contextmanager
    def opened() -> Iterator[Sequence[Contender]]:
        yield contenders

    return Work("toy", "a toy", "units", opened, goals)


def constant(name: str, *rates: float, is_ours: bool = False) -> Contender:
    """Give these rates, one a round."""
    waiting = iter(rates)
    return Contender(name, lambda: Outcome(seconds=1.0, units=next(waiting)), is_ours)


def failing(name: str, why: str) -> Contender:
    return Contender(name, _raising(why))


def report(*measured: Measured, machine: Machine = QUIET) -> Report:
    return Report("recleak bench", machine, measured, growth=None)


def _raising(why: str) -> Callable[[], Outcome]:
    def run() -> Outcome:
        raise JobFailed(why)

    return run
