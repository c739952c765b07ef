"""The one place where runs begin, go on and are looked at; the commands and the service both come here."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import pandas as pd

from services.attacker.experiments import results
from services.attacker.experiments.failures import read_failures
from services.attacker.experiments.grids import Grid, grid_folder, load_grids, read_grid, select
from services.attacker.experiments.materials import code_hash
from services.attacker.experiments.report.document import write_report
from services.attacker.experiments.run_lock import is_worked_on, working_on
from services.attacker.experiments.runs import (
    SPEC_FILE,
    Plan,
    RunSpec,
    Saved,
    execute,
    plan_run,
    read_data,
    versions,
)
from services.attacker.experiments.scheduling import Job, Observer
from services.attacker.experiments.tally import Count, count
from shared.artifacts import ArtifactStore
from shared.datasets import registry
from shared.datasets.catalog import SYNTHETIC, find
from shared.datasets.synthetic import parse_name
from shared.engine import Engine, open_engine
from shared.errors import BadInput, Conflict, JobStopped, NotFound


class Follower(Observer, Protocol):
    """Whoever follows a run from its beginning."""

    def noted(self, text: str) -> None:
        """Something that a reader of the figures should know."""

    def planned(self, jobs: Sequence[Job], done: Collection[str]) -> None:
        """These are all jobs, and of these the artefacts are stored."""


@dataclass(frozen=True)
class Workshop:
    """Where a run works.

    n_slots  jobs that the engine has at once
    """

    store: ArtifactStore
    engine: Engine
    n_slots: int


@contextmanager
def open_workshop(artifacts: Path, engine: str, *, n_workers: int) -> Iterator[Workshop]:
    """Open a folder of artefacts and an engine (see `open_engine`), and close the engine at the end."""
    opened = open_engine(engine, n_workers=n_workers)
    try:
        # absolute: a worker may have another working directory
        yield Workshop(ArtifactStore(artifacts.absolute()), opened, getattr(opened, "n_workers", 1))
    finally:
        opened.close()


@dataclass(frozen=True)
class Ended:
    """A run that came to its end.

    failures  why, by label of what could not be made
    """

    plan: Plan
    failures: Mapping[str, str]


@dataclass(frozen=True)
class Standing:
    """Where a run stands, from what is on the disk."""

    saved: Saved
    counts: Mapping[str, Count]
    failures: Mapping[str, str]
    is_running: bool
    is_current: bool
    """The program is the one that the run last worked with; otherwise a resume makes figures anew."""


def find_grids(name: str) -> tuple[str, tuple[Grid, ...]]:
    """Give the name and the grids of an experiment: one of ours, or the TOML file of a path.

    Raises NotFound with the names there are; BadInput naming file and field if a file cannot be used.
    """
    grids = load_grids(grid_folder())
    path = Path(name)
    if path.suffix != ".toml":
        return name, tuple(select(grids, name))
    if not path.is_file():
        raise NotFound(f"there is no file {name}")
    own = read_grid(path)
    if own.name in grids:
        raise BadInput(
            f"{name} has the name of an experiment of ours; call yours something else than {own.name}"
        )
    return own.name, tuple(select({**grids, own.name: own}, own.name))


def check_data(names: Collection[str], data_dir: Path | None) -> None:
    """Check that all datasets can be had, without reading them.

    Raises one NotFound for all that are missing, saying how to get them; NotFound for an unknown name;
    BadInput for unfit settings of a synthetic one.
    """
    missing = missing_data(names, data_dir)
    if not missing:
        return
    where = f"not in {data_dir}" if data_dir else "nowhere to be found, RECLEAK_DATA_DIR is not set"
    fetches = "; ".join(f"recleak data fetch {name}" for name in missing if not registry.is_path(name))
    advice = f"; fetch what is missing: {fetches}" if fetches else ""
    are = "the dataset {} is" if len(missing) == 1 else "the datasets {} are"
    raise NotFound(f"{are.format(', '.join(missing))} {where}{advice}")


def missing_data(names: Collection[str], data_dir: Path | None) -> list[str]:
    """Name the datasets that are not there. Raises as `check_data` for a name that can never be."""
    return sorted(name for name in names if not _is_there(name, data_dir))


def begin(
    spec: RunSpec, folder: Path, shop: Workshop, *, follower: Follower, should_stop: Callable[[], bool]
) -> Ended:
    """Run an experiment in a new folder; `spec` names its grids.

    Raises Conflict if the folder holds a run; NotFound as `check_data`, before anything is made; JobStopped
    if asked to stop: what is stored is kept, and results of it are written.
    """
    if (folder / SPEC_FILE).exists():
        raise Conflict(f"{folder} holds a run already; resume it, or give another folder")
    check_data(names_of(spec.grids), _path(spec.data_dir))
    with working_on(folder):
        data = read_data(spec.grids, store=shop.store, engine=shop.engine, data_dir=_path(spec.data_dir))
        spec.save(folder, data=data)
        plan = plan_run(spec.grids, spec.seeds, store=shop.store, data=data)
        return _work(plan, plan.jobs, folder, shop, follower=follower, should_stop=should_stop)


def resume(
    folder: Path,
    shop: Workshop,
    *,
    follower: Follower,
    should_stop: Callable[[], bool],
    only_failed: bool = False,
) -> Ended:
    """Go on with a run: with what is not stored yet, or only with what failed.

    Raises BadInput if the folder holds no run; Conflict if somebody works on it, or if a dataset is not what
    it was when the run began; otherwise as `begin`.
    """
    saved = Saved.load(folder)
    spec = replace(saved.spec, grids=grids_of(saved.spec))
    check_data(names_of(spec.grids), _path(spec.data_dir))
    with working_on(folder):
        data = read_data(spec.grids, store=shop.store, engine=shop.engine, data_dir=_path(spec.data_dir))
        if changed := sorted(name for name, held in data.items() if saved.data.get(name) != held):
            raise Conflict(
                f"the data of {', '.join(changed)} is not what it was when this run began, and figures of "
                "two versions must not be mixed; bring the old files back, or begin a new run"
            )
        for text in _changes(saved):
            follower.noted(text)
        replace(spec, artifacts=str(shop.store.root)).save(folder, data=data)
        plan = plan_run(spec.grids, spec.seeds, store=shop.store, data=data)
        chosen = _failed(plan, read_failures(folder)) if only_failed else plan.jobs
        return _work(plan, chosen, folder, shop, follower=follower, should_stop=should_stop)


def standing(folder: Path, store: ArtifactStore | None = None) -> Standing:
    """Look where a run stands, without changing anything. Raises BadInput if the folder holds none.

    store  None = the one that the run works with
    """
    saved = Saved.load(folder)
    store = store or store_of(saved.spec)
    plan = _plan_of(saved, store)
    return Standing(
        saved=saved,
        counts=count(plan.jobs, _stored(plan.jobs, store)),
        failures=read_failures(folder),
        is_running=is_worked_on(folder),
        is_current=saved.code == code_hash(),
    )


def figures_so_far(folder: Path, store: ArtifactStore | None = None) -> pd.DataFrame:
    """Give a row for every cell that is done: as written if nobody works on it, as stored if somebody does.

    Raises BadInput if the folder holds no run.
    """
    saved = Saved.load(folder)
    if (folder / f"{results.RESULTS}.parquet").is_file() and not is_worked_on(folder):
        return results.read(folder)[0]
    store = store or store_of(saved.spec)
    return results.collect(_plan_of(saved, store), store)[0]


def write_again(folder: Path, artifacts: Path | None = None) -> Path:
    """Write a run's results and report anew, from what is stored; gives the report's path.

    artifacts  None = those that the run works with
    """
    saved = Saved.load(folder)
    store = store_of(saved.spec) if artifacts is None else ArtifactStore(artifacts)
    plan = _plan_of(saved, store)
    results.write(folder, plan, store)
    return write_report(folder, plan, store, grids=grids_of(saved.spec))


def store_of(spec: RunSpec) -> ArtifactStore:
    """Open the artefacts that a run works with. Raises BadInput if it does not say which."""
    if spec.artifacts is None:
        raise BadInput("the run does not say where its artefacts lie; give their folder")
    return ArtifactStore(Path(spec.artifacts))


def grids_of(spec: RunSpec) -> tuple[Grid, ...]:
    """Give the grids that a run began with. Raises NotFound if it names one that there is no more."""
    return spec.grids or find_grids(spec.experiment)[1]


def _work(
    plan: Plan,
    jobs: Sequence[Job],
    folder: Path,
    shop: Workshop,
    *,
    follower: Follower,
    should_stop: Callable[[], bool],
) -> Ended:
    follower.planned(jobs, _stored(jobs, shop.store))
    try:
        execute(
            replace(plan, jobs=tuple(jobs)),
            folder,
            store=shop.store,
            engine=shop.engine,
            n_slots=shop.n_slots,
            observer=follower,
            should_stop=should_stop,
        )
    except JobStopped:
        results.write(folder, plan, shop.store)
        raise
    results.write(folder, plan, shop.store)
    write_report(folder, plan, shop.store, grids=grids_of(Saved.load(folder).spec))
    return Ended(plan, read_failures(folder))


def _failed(plan: Plan, failures: Collection[str]) -> list[Job]:
    """Give what failed, with what it is made of; what is stored of that is not made again."""
    by_name = {job.name: job for job in plan.jobs}
    chosen: dict[str, Job] = {}
    open_ = [job for job in plan.jobs if job.label in failures]
    while open_:
        job = open_.pop()
        if chosen.setdefault(job.name, job) is job:
            open_ += [by_name[need] for need in job.needs if need in by_name and need not in chosen]
    return [job for job in plan.jobs if job.name in chosen]


def _changes(saved: Saved) -> Iterator[str]:
    if saved.code != code_hash():
        yield "the program has changed since this run last worked: its figures are made anew"
    for name, now in versions().items():
        if (before := saved.versions.get(name)) != now:
            yield f"{name} was {before} when this run last worked and is {now} now; what is stored is kept"


def _plan_of(saved: Saved, store: ArtifactStore) -> Plan:
    return plan_run(grids_of(saved.spec), saved.spec.seeds, store=store, data=saved.data)


def _stored(jobs: Sequence[Job], store: ArtifactStore) -> set[str]:
    return {job.name for job in jobs if store.has(job.name)}


def names_of(grids: Sequence[Grid]) -> set[str]:
    """Give the datasets that grids need."""
    return {name for grid in grids for name in grid.dataset_names}


def _path(data_dir: str | None) -> Path | None:
    return None if data_dir is None else Path(data_dir)


def _is_there(name: str, data_dir: Path | None) -> bool:
    if registry.is_path(name):
        return Path(name).is_file()
    dataset = find(name)
    if dataset is SYNTHETIC:
        parse_name(name)
        return True
    return registry.locate(dataset, data_dir) is not None
