"""The rules of experiments: what may be asked for, what happens next, and what is told of it."""

import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path

from services.attacker import experiment_store as store
from services.attacker.experiment_tables import ExperimentEventRow, ExperimentRow
from services.attacker.experiments.failures import read_failures
from services.attacker.experiments.grids import Grid, grid_folder, load_grids, select
from services.attacker.experiments.matrix import matrices
from services.attacker.experiments.results import RESULTS
from services.attacker.experiments.runs import SPEC_FILE, RunSpec, versions
from services.attacker.experiments.session import check_data, figures_so_far, names_of
from services.attacker.running.experiment_jobs import ExperimentJobs, ExperimentPlace
from shared import __version__
from shared.contract.base import JobProgress, JobState
from shared.contract.experiments import (
    Experiment,
    ExperimentEvent,
    ExperimentList,
    ExperimentSpec,
    KindTally,
    Matrices,
)
from shared.datasets import registry
from shared.errors import BadInput, Conflict

MOST_CELLS = 20_000
REPORT_FILE = "report.html"


class ExperimentService:
    """What clients of the attacker can do with experiments."""

    def __init__(self, place: ExperimentPlace, jobs: ExperimentJobs) -> None:
        self._place = place
        self._database = place.database
        self._jobs = jobs

    def submit(self, spec: ExperimentSpec) -> Experiment:
        """Begin an experiment.

        Raises NotFound at once for an unknown name or a dataset that is not there, BadInput for a grid that
        cannot be run here.
        """
        run = self._run_spec(spec)
        experiment_id = secrets.token_hex(6)
        with self._database.write() as session:
            row = _new_row(experiment_id, run.experiment, spec)
            session.add(row)
            session.flush()
            store.tell(session, row)
        self._jobs.start(experiment_id, run)
        return self.get(experiment_id)

    def list_all(self) -> ExperimentList:
        """All experiments, newest first."""
        with self._database.read() as session:
            rows = store.experiments(session)
            return ExperimentList(experiments=tuple(self._described(row) for row in rows))

    def get(self, experiment_id: str) -> Experiment:
        """One experiment. Raises NotFound."""
        with self._database.read() as session:
            return self._described(store.experiment(session, experiment_id))

    def events_after(self, experiment_id: str, event_id: int) -> tuple[list[ExperimentEvent], bool]:
        """What has happened since an event, and whether nothing more will. Raises NotFound."""
        with self._database.read() as session:
            row = store.experiment(session, experiment_id)
            events = [_event(one) for one in store.events_after(session, experiment_id, event_id)]
            return events, JobState(row.state).is_final

    def matrices(self, experiment_id: str) -> Matrices:
        """All figures that are there, also while it runs. Raises NotFound."""
        folder = self._place.of(self.get(experiment_id).id)
        if not (folder / SPEC_FILE).exists():
            return Matrices(matrices=())
        return Matrices(matrices=matrices(figures_so_far(folder, self._place.artifacts)))

    def results(self, experiment_id: str) -> Path:
        """The file with a row for every cell and seed. Raises Conflict as long as there is none."""
        return self._file(experiment_id, f"{RESULTS}.csv")

    def report(self, experiment_id: str) -> Path:
        """The report as a page. Raises Conflict as long as there is none."""
        return self._file(experiment_id, REPORT_FILE)

    def cancel(self, experiment_id: str) -> Experiment:
        """Ask an experiment to stop; what is done stays. Raises Conflict if it has ended."""
        with self._database.write() as session:
            row = store.experiment(session, experiment_id)
            if JobState(row.state).is_final:
                raise Conflict(f"the experiment is {row.state} already; there is nothing to cancel")
            if row.state != JobState.CANCELLING:
                row.state, row.note = JobState.CANCELLING, "stopping at the next epoch or chunk"
                store.tell(session, row)
        if self._jobs.cancel(experiment_id):
            with self._database.write() as session:
                row = store.experiment(session, experiment_id)
                store.end(session, row, JobState.CANCELLED, "cancelled before it began", error=None)
        return self.get(experiment_id)

    def resume(self, experiment_id: str, *, only_failed: bool) -> Experiment:
        """Go on with what is not done, or only with what failed. Raises Conflict if done or under way."""
        run = self._run_spec(self.get(experiment_id).spec)
        with self._database.write() as session:
            row = store.experiment(session, experiment_id)
            if not JobState(row.state).is_final:
                raise Conflict(f"the experiment is {row.state}; there is nothing to resume")
            if row.state == JobState.DONE:
                raise Conflict("the experiment is done; there is nothing to resume")
            row.state, row.note = JobState.QUEUED, "waiting to go on"
            row.error, row.finished_at = None, None
            store.tell(session, row)
        self._jobs.start(experiment_id, run, only_failed=only_failed)
        return self.get(experiment_id)

    def delete(self, experiment_id: str) -> None:
        """Delete an experiment and what no other one uses; the data that it read stay for the next.

        Raises Conflict while it is under way.
        """
        with self._place.sharing:
            with self._database.write() as session:
                row = store.experiment(session, experiment_id)
                if not JobState(row.state).is_final:
                    raise Conflict(f"the experiment is {row.state}; cancel it first")
                data = set(row.data_hashes.values())
                unused = store.delete_experiment(session, experiment_id)
            for name in unused:
                if name not in data:
                    self._place.artifacts.delete(name)
            shutil.rmtree(self._place.of(experiment_id), ignore_errors=True)

    def _run_spec(self, spec: ExperimentSpec) -> RunSpec:
        name, grids = _grids(spec)
        if files := sorted(one for one in names_of(grids) if registry.is_path(one)):
            raise BadInput(
                f"{files[0]} is a file; an experiment here takes datasets that RecLeak knows by name"
            )
        n_cells = sum(grid.n_cells for grid in grids) * spec.seeds
        if n_cells > MOST_CELLS:
            raise BadInput(f"these are {n_cells} cells; at most {MOST_CELLS} are run at once, split the grid")
        check_data(names_of(grids), self._place.data_dir)
        data_dir = None if self._place.data_dir is None else str(self._place.data_dir)
        seeds = tuple(range(spec.first_seed, spec.first_seed + spec.seeds))
        return RunSpec(name, seeds, data_dir, grids, str(self._place.artifacts.root))

    def _file(self, experiment_id: str, name: str) -> Path:
        found = self.get(experiment_id)
        path = self._place.of(found.id) / name
        if not path.is_file():
            advice = "resume it" if found.state.is_final else "wait for it"
            raise Conflict(f"there is no {name} yet, the experiment is {found.state}; {advice}")
        return path

    def _described(self, row: ExperimentRow) -> Experiment:
        return Experiment(
            id=row.id,
            name=row.name,
            state=JobState(row.state),
            progress=JobProgress(fraction=row.fraction, note=row.note),
            spec=ExperimentSpec.model_validate(row.spec),
            jobs={kind: KindTally(done=done, total=all_) for kind, (done, all_) in row.jobs.items()},
            failures=read_failures(self._place.of(row.id)),
            data_hashes=row.data_hashes,
            versions=row.versions,
            error=row.error,
            created_at=row.created_at,
            finished_at=row.finished_at,
        )


def _grids(spec: ExperimentSpec) -> tuple[str, tuple[Grid, ...]]:
    if isinstance(spec.grid, str):
        return spec.grid, tuple(select(load_grids(grid_folder()), spec.grid))
    if spec.grid.kind == "collection":
        raise BadInput("a grid of your own names its datasets; submit collections by their name")
    return spec.grid.name, (Grid.model_validate(spec.grid.model_dump()),)


def _new_row(experiment_id: str, name: str, spec: ExperimentSpec) -> ExperimentRow:
    return ExperimentRow(
        id=experiment_id,
        name=name,
        state=JobState.QUEUED,
        fraction=0.0,
        note="waiting to begin",
        spec=spec.model_dump(mode="json"),
        jobs={},
        failed=0,
        data_hashes={},
        versions={"recleak": __version__, **versions()},
        created_at=datetime.now(UTC),
    )


def _event(row: ExperimentEventRow) -> ExperimentEvent:
    return ExperimentEvent(
        id=row.id,
        at=row.at,
        state=JobState(row.state),
        progress=JobProgress(fraction=row.fraction, note=row.note),
        failed=row.failed,
    )
