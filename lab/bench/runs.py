"""Runs contenders in turn, A B A B, each in a process of its own."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab.bench.machine import Usage
from shared.errors import JobFailed
from shared.parallel import THREADS

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    THREADS,
)
_TAIL_LINES = 2
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """What one run gave.

    seconds       of the measured part, without start, imports, compilation and reading
    units         how much work was done in them
    parts         seconds by part
    peak_bytes    most memory while measured, of the whole process; 0 = not looked at
    before_bytes  memory when measuring began, inputs and libraries included
    figures       what else came out, by name
    flops, moved_bytes  what the work needs at least, see `Clock.tell`; 0 = not counted
    others_share  share of the machine that others had meanwhile
    """

    seconds: float
    units: float
    parts: Mapping[str, float] = field(default_factory=dict)
    peak_bytes: int = 0
    before_bytes: int = 0
    figures: Mapping[str, float] = field(default_factory=dict)
    flops: float = 0.0
    moved_bytes: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    others_share: float = 0.0

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.units / max(self.seconds, 1e-9)


@dataclass(frozen=True)
class Contender:
    """Ours or a peer, and how it is run once; `run` raises JobFailed if it cannot be measured."""

    name: str
    run: Callable[[], Outcome]
    is_ours: bool = False


@dataclass(frozen=True)
class Goal:
    """What is to be reached: by our quantity itself, or by its ratio to a peer's.

    what   "rate", "peak bytes", or the name of a figure
    peer   None = ours alone counts
    least, most  bounds; None = none
    """

    what: str
    peer: str | None = None
    least: float | None = None
    most: float | None = None

    def is_reached(self, value: float) -> bool:
        """Say whether a value lies within the bounds."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


@dataclass(frozen=True)
class Work:
    """One kind of work that contenders do alike.

    key    name on the command line's table, unique
    unit   what a rate counts
    open   prepares inputs or servers and gives the contenders, ours first
    rounds  None = as many as asked for
    """

    key: str
    title: str
    unit: str
    open: Callable[[], AbstractContextManager[Sequence[Contender]]]
    goals: Sequence[Goal] = ()
    rounds: int | None = None


@dataclass(frozen=True)
class Measured:
    """A work, measured.

    outcomes  by contender, one for each round
    failures  why a contender, or with the key "" the whole work, was not measured
    """

    work: Work
    outcomes: Mapping[str, Sequence[Outcome]]
    failures: Mapping[str, str]
    ours: str | None


def measure(work: Work, *, rounds: int, report: Callable[[float, str], None]) -> Measured:
    """Run all contenders of a work, one after the other, so many times; who fails once is left out after."""
    outcomes: dict[str, list[Outcome]] = {}
    failures: dict[str, str] = {}
    ours = None
    try:
        with work.open() as contenders:
            ours = next((one.name for one in contenders if one.is_ours), None)
            for turn in range(rounds):
                for place, contender in enumerate(contenders):
                    if contender.name in failures:
                        continue
                    done = (turn * len(contenders) + place) / (rounds * len(contenders))
                    report(done, f"{contender.name}, round {turn + 1} of {rounds}")
                    try:
                        outcomes.setdefault(contender.name, []).append(contender.run())
                    except JobFailed as error:
                        failures[contender.name] = str(error)
    except JobFailed as error:
        failures[""] = str(error)
    return Measured(work, {name: found for name, found in outcomes.items() if found}, failures, ours)


def run_process(
    command: Sequence[str],
    *,
    cores: Sequence[int],
    n_threads: int,
    timeout_s: float,
    servers: Sequence[int] = (),
) -> Outcome:
    """Run a process that ends by `Clock.tell`, on some cores with so many threads.

    servers  processes that work for it
    Raises JobFailed, with the end of what it said, if it fails, says nothing of use or takes too long.
    """
    output, others_share = run_command(
        command, cores=cores, n_threads=n_threads, timeout_s=timeout_s, servers=servers
    )
    lines = [line for line in output.splitlines() if line.strip()]
    try:
        return Outcome(**json.loads(lines[-1]), others_share=others_share)
    except (IndexError, TypeError, ValueError) as error:
        raise JobFailed(f"said nothing of use: {_end_of(output)}") from error


def run_command(
    command: Sequence[str],
    *,
    cores: Sequence[int],
    n_threads: int,
    timeout_s: float,
    servers: Sequence[int] = (),
) -> tuple[str, float]:
    """Run a process, and give its standard output and the share of the machine that others had meanwhile.

    Raises JobFailed, with the end of what it said, if it fails or takes too long.
    """
    variables = dict.fromkeys(_THREAD_VARIABLES, str(n_threads)) | {"PYTHONPATH": str(_ROOT)}
    before, began = Usage.now(servers), time.monotonic()
    try:
        with pinned(cores), tempfile.TemporaryDirectory() as folder:  # some peers leave files where they run
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                env=os.environ | variables,
                cwd=folder,
                timeout=timeout_s,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise JobFailed(f"took longer than {timeout_s:.0f} s") from error
    except OSError as error:
        raise JobFailed(f"could not be started: {error.strerror}") from error
    others = Usage.now(servers).others_share(before, time.monotonic() - began)
    if done.returncode != 0:
        raise JobFailed(f"failed: {_end_of(done.stderr or done.stdout)}")
    return done.stdout, others


@contextmanager
def pinned(cores: Sequence[int]) -> Iterator[None]:
    """Keep what is started inside on some cores; no cores, or a system without such a call: anywhere."""
    if not cores or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def first_cores(n: int) -> tuple[int, ...]:
    """Give the first n cores that we may use; fewer if there are fewer."""
    if not hasattr(os, "sched_getaffinity"):
        return ()
    return tuple(sorted(os.sched_getaffinity(0))[:n])


def checkout() -> Path:
    """The root of the source tree, where the peers' scripts are. Raises JobFailed in an installed wheel."""
    if not (_ROOT / "benchmarks").is_dir():
        raise JobFailed("the peers' scripts come with the sources; run this in a checkout")
    return _ROOT


def _end_of(text: str) -> str:
    return " / ".join(text.strip().splitlines()[-_TAIL_LINES:])[-400:] or "it said nothing"
