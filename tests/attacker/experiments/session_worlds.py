"""Small runs, and followers that remember what they were told."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from services.attacker.experiments.grids import Grid
from services.attacker.experiments.runs import RunSpec
from services.attacker.experiments.scheduling import Job
from services.attacker.experiments.session import Workshop, begin
from shared.artifacts import ArtifactStore
from shared.engine import Engine, InlineEngine, OnProgress, Task
from shared.engine.guard import Failure
from shared.errors import JobFailed, RecLeakError

DATASET = "synthetic:users=80,items=160,history=80,seed=2"


def never() -> bool:
    return False


def tiny_grid(dataset: str = DATASET, **changes: object) -> Grid:
    """Thirteen jobs: six recommenders, one set of item vectors, three cells and their controls."""
    about = {"name": "tiny", "title": "Tiny", "about": "For tests.", "datasets": [(dataset, dataset)]}
    return Grid.model_validate({**about, "algorithms": "same", **changes})


def spec_of(artifacts: Path, *grids: Grid, seeds: tuple[int, ...] = (0,)) -> RunSpec:
    return RunSpec("tiny", seeds, None, grids or (tiny_grid(),), str(artifacts))


def shop_of(artifacts: Path, engine: Engine | None = None, n_slots: int = 1) -> Workshop:
    return Workshop(ArtifactStore(artifacts), engine or InlineEngine(), n_slots)


class Remembering:
    """A follower that remembers.

    on_began  called with each job that begins
    """

    def __init__(self, on_began: Callable[[Job], object] = lambda _: None) -> None:
        self.on_began = on_began
        self.jobs: list[Job] = []
        self.done: set[str] = set()
        self.notes: list[str] = []
        self.begun: list[str] = []
        self.made: list[str] = []
        self.lost: list[str] = []

    def noted(self, text: str) -> None:
        self.notes.append(text)

    def planned(self, jobs: Sequence[Job], done: Collection[str]) -> None:
        self.jobs, self.done = list(jobs), set(done)

    def began(self, job: Job) -> None:
        self.begun.append(job.name)
        self.on_began(job)

    def ended(self, job: Job) -> None:
        self.made.append(job.name)

    def failed(self, job: Job, error: RecLeakError) -> None:
        self.lost.append(job.name)


class FailingEngine:
    """Runs work at once; functions of a name fail, as long as it is set."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._inner = InlineEngine()

    def submit(self, function: Any, *args: object, on_progress: OnProgress = lambda *_: None) -> "Task[Any]":
        if function.__name__ != self.name:
            return self._inner.submit(function, *args, on_progress=on_progress)
        task: Task[Any] = Task(self.name, on_progress)
        task.settle(Failure(JobFailed("the disk is full"), trace=""))
        return task

    def close(self) -> None:
        self._inner.close()


def run_whole(folder: Path, *grids: Grid, seeds: tuple[int, ...] = (0,)) -> bytes:
    """Run to the end, in this process, and give results.csv."""
    begin(
        spec_of(folder / "artifacts", *grids, seeds=seeds),
        folder / "run",
        shop_of(folder / "artifacts"),
        follower=Remembering(),
        should_stop=never,
    )
    return (folder / "run" / "results.csv").read_bytes()
