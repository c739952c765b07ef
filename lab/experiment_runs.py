"""Runs from the command line: progress, Ctrl-C, exit codes."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import typer

from lab.commands.experiment_options import ARTIFACTS, RUNS
from lab.consoles import err, out, say_error
from lab.run_display import RunDisplay
from lab.stop_request import StopRequest
from services.attacker.experiments.cells import Cell
from services.attacker.experiments.runs import RunSpec
from services.attacker.experiments.session import (
    Ended,
    Follower,
    Workshop,
    begin,
    check_data,
    find_grids,
    names_of,
    open_workshop,
    resume,
)
from services.attacker.experiments.single import CellResult, run_single
from shared.errors import JobFailed, JobStopped
from shared.parallel import n_cores

LOG_FILE = "log.txt"
_STOPPING = "stopping at the next epoch or chunk; Ctrl-C again stops at once"


@dataclass(frozen=True)
class Place:
    """Where work is done.

    artifacts  None = where the run says
    workers    None = one per core
    """

    artifacts: Path | None
    engine: str
    workers: int | None


def run_new(name: str, seeds: Sequence[int], folder: Path | None, place: Place, *, data_dir: Path) -> None:
    """Run an experiment in a new folder. Raises JobFailed, saying how to go on, if something failed."""
    name, grids = find_grids(name)
    check_data(names_of(grids), data_dir)
    folder = (folder or RUNS / f"{name}-{datetime.now():%Y%m%d-%H%M%S}").absolute()
    artifacts = (place.artifacts or ARTIFACTS).absolute()
    spec = RunSpec(name, tuple(seeds), str(data_dir), grids, str(artifacts))
    _followed(
        lambda shop, follower, stop: begin(spec, folder, shop, follower=follower, should_stop=stop),
        folder,
        artifacts,
        place,
    )


def go_on(folder: Path, place: Place, *, only_failed: bool) -> None:
    """Go on with a run. Raises as `run_new`."""
    folder = folder.absolute()
    artifacts = place.artifacts or Path(RunSpec.load(folder).artifacts or ARTIFACTS)
    _followed(
        lambda shop, follower, stop: resume(
            folder, shop, follower=follower, should_stop=stop, only_failed=only_failed
        ),
        folder,
        artifacts,
        place,
    )


def run_one(cell: Cell, place: Place, *, data_dir: Path) -> CellResult:
    """Run one cell. Leaves with 130 after Ctrl-C; what is stored is found by the next run."""
    check_data({cell.shadow.dataset, cell.target.dataset}, data_dir)
    with StopRequest(lambda: err().print(_STOPPING)) as stop:
        try:
            with _open(place.artifacts or ARTIFACTS, place) as shop, RunDisplay(shop.n_slots) as shown:
                return run_single(cell, shop, data_dir=data_dir, follower=shown, should_stop=stop)
        except JobStopped as error:
            say_error("stopped; what is done is kept, the same command goes on")
            raise typer.Exit(stop.exit_code) from error


def _followed(
    work: Callable[[Workshop, Follower, StopRequest], Ended], folder: Path, artifacts: Path, place: Place
) -> None:
    with StopRequest(lambda: err().print(_STOPPING)) as stop:
        try:
            with _open(artifacts, place) as shop, RunDisplay(shop.n_slots) as shown, _logged(folder):
                shown.noted(f"the run is kept in {_shown(folder)}")
                ended = work(shop, shown, stop)
        except (JobStopped, KeyboardInterrupt) as error:
            say_error(f"stopped; nothing that is done is lost, go on with: {_command('resume', folder)}")
            raise typer.Exit(stop.exit_code) from error
    _say_end(ended, folder)


def _say_end(ended: Ended, folder: Path) -> None:
    out().print(f"{len(ended.plan.cells)} cells, {len(ended.plan.qualities)} hit rates: {_shown(folder)}")
    if not ended.failures:
        return
    labels = {job.name: job.label for job in ended.plan.jobs}
    first, *others = [
        job.label
        for job in ended.plan.jobs
        if job.label in ended.failures and not {labels.get(need) for need in job.needs} & {*ended.failures}
    ]
    n_needing = len(ended.failures) - len(others) - 1
    raise JobFailed(
        f"{len(others) + 1} {'jobs' if others else 'job'} failed, and {n_needing} more for want of it; "
        f"the first is {first} "
        f"({ended.failures[first]}); all others are done, {LOG_FILE} in the folder says more, try again "
        f"with: {_command('resume', folder)} --retry-failed-only"
    )


@contextmanager
def _logged(folder: Path) -> Iterator[None]:
    """Keep what is logged, tracebacks of failed jobs above all, in the run's folder."""
    handler = logging.FileHandler(folder / LOG_FILE, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


def _open(artifacts: Path, place: Place) -> AbstractContextManager[Workshop]:
    return open_workshop(artifacts, place.engine, n_workers=place.workers or n_cores())


def _command(verb: str, folder: Path) -> str:
    return f"recleak experiment {verb} {_shown(folder)}"


def _shown(folder: Path) -> str:
    """Give the path from here, if the folder lies below."""
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)
