"""Trains deployments in the background, puts what comes out where it is served from, then measures it."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from services.target import store
from services.target.counting import QueryLog
from services.target.serving import Serving
from services.target.stored_lists import (
    forget,
    histories_of,
    keep_lists,
    keep_model,
    open_lists,
    open_model,
)
from services.target.training import Trained, measure, train
from shared.artifacts import ArtifactStore
from shared.contract.base import JobProgress, JobState
from shared.contract.target import DeploymentSize, DeploymentSpec, HitRateAtK, QualityState
from shared.database import Database
from shared.engine import Engine, Task
from shared.engine.guard import Failure, attempt
from shared.errors import JobStopped, NotFound, StorageFailed

_log = logging.getLogger(__name__)


class Jobs:
    """The background work of all deployments.

    models       folder of the trained recommenders, one folder each
    data_dir     where datasets lie
    is_measured  whether HR@k is measured once a deployment is ready
    """

    def __init__(
        self,
        *,
        database: Database,
        artifacts: ArtifactStore,
        models: Path,
        engine: Engine,
        serving: Serving,
        data_dir: Path,
        is_measured: bool,
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._models = models
        self._engine = engine
        self._serving = serving
        self._data_dir = data_dir
        self.is_measured = is_measured
        self._tasks: dict[str, Task[Any]] = {}
        self._progress: dict[str, JobProgress] = {}
        self._lock = threading.RLock()  # inline, a task begins the next one within its own `submit`
        self._is_closing = False

    def train(self, deployment_id: str, spec: DeploymentSpec, membership_seed: int) -> None:
        """Begin the training of a deployment whose row is stored."""
        self._submit(
            deployment_id,
            lambda report: self._engine.submit(
                train, spec, membership_seed, self._data_dir, on_progress=report
            ),
            on_progress=lambda progress: self._on_progress(deployment_id, progress),
            on_done=lambda task: self._on_trained(deployment_id, spec, task),
        )

    def measure(self, deployment_id: str, spec: DeploymentSpec) -> None:
        """Begin to measure HR@k of a deployment that is served."""
        with self._database.read() as session:
            is_member = store.is_member_by_row(session, deployment_id)
        histories = histories_of(self._serving.get(deployment_id))[np.flatnonzero(is_member)]
        self._submit(
            deployment_id,
            lambda report: self._engine.submit(measure, spec, histories, on_progress=report),
            on_progress=lambda progress: self._show(deployment_id, 1, f"ready; HR@k: {progress.note}"),
            on_done=lambda task: self._on_measured(deployment_id, attempt(task.result)),
        )

    def load(self, deployment_id: str) -> None:
        """Serve a deployment from its files. Raises NotFound or StorageFailed if they are of no use."""
        with self._database.read() as session:
            spec = DeploymentSpec.model_validate(store.deployment(session, deployment_id).spec)
            user_ids = store.user_ids(session, deployment_id)
            counts = store.stored_counts(session, deployment_id)
            digests = store.stored_strangers(session, deployment_id)
        queries = QueryLog(deployment_id, len(user_ids), counts, digests)
        self._serve(deployment_id, spec, user_ids, queries)

    def stop(self, deployment_id: str) -> None:
        """Ask the work for a deployment to end soon."""
        with self._lock:
            task = self._tasks.get(deployment_id)
        if task is not None:
            task.stop()

    def progress_of(self, deployment_id: str) -> JobProgress | None:
        """How far the work under way is; None if there is none."""
        return self._progress.get(deployment_id)

    def forget(self, deployment_id: str) -> None:
        """Delete a deployment's files."""
        forget(self._artifacts, self._models / deployment_id, deployment_id)

    def close(self) -> None:
        """Stop everything; what was being trained counts as interrupted."""
        self._is_closing = True
        self._engine.close()

    def _submit(
        self,
        deployment_id: str,
        submit: Callable[[Callable[[float, str], None]], Task[Any]],
        *,
        on_progress: Callable[[JobProgress], None],
        on_done: Callable[[Task[Any]], None],
    ) -> None:
        def done(task: Task[Any]) -> None:
            with self._lock:
                self._tasks.pop(deployment_id, None)
            on_done(task)

        with self._lock:  # so that whoever wants to stop it finds it
            task = submit(lambda fraction, note: on_progress(JobProgress(fraction=fraction, note=note)))
            self._tasks[deployment_id] = task
        task.add_done_callback(done)

    def _on_progress(self, deployment_id: str, progress: JobProgress) -> None:
        if deployment_id not in self._progress:
            with self._database.write() as session:
                row = store.deployment(session, deployment_id)
                if row.state == JobState.QUEUED:
                    row.state = JobState.RUNNING
        self._progress[deployment_id] = progress

    def _show(self, deployment_id: str, fraction: float, note: str) -> None:
        self._progress[deployment_id] = JobProgress(fraction=fraction, note=note)

    def _on_trained(self, deployment_id: str, spec: DeploymentSpec, task: Task[Trained]) -> None:
        outcome = attempt(lambda: self._take_up(deployment_id, spec, task.result()))
        self._progress.pop(deployment_id, None)
        if isinstance(outcome, Failure):
            self._record_failure(deployment_id, outcome)
        elif self.is_measured:
            begun = attempt(lambda: self.measure(deployment_id, spec))
            if isinstance(begun, Failure):
                self._on_measured(deployment_id, begun)

    def _take_up(self, deployment_id: str, spec: DeploymentSpec, trained: Trained) -> None:
        self._show(deployment_id, 1, "storing the lists")
        keep_lists(self._artifacts, deployment_id, trained)
        keep_model(self._models / deployment_id, spec, trained)
        queries = QueryLog(deployment_id, len(trained.user_ids))
        self._serve(deployment_id, spec, trained.user_ids, queries)
        # served before the row says so: whoever waits for "done" finds it
        with self._serving.switching(), self._database.write() as session:
            row = store.deployment(session, deployment_id)
            if row.state == JobState.CANCELLING:
                raise JobStopped("stopped while the lists were stored")
            store.insert_users(session, deployment_id, trained.user_ids, trained.is_member)
            row.size = _size(trained).model_dump()
            row.state, row.fraction, row.note = JobState.DONE, 1, "ready"
            row.finished_at = datetime.now(UTC)
            if spec.activate:
                session.flush()
                store.activate(session, deployment_id)
                self._serving.activate(deployment_id)
        _log.info("deployment %s is ready: %s on %s", deployment_id, spec.algorithm, spec.dataset)

    def _serve(
        self, deployment_id: str, spec: DeploymentSpec, user_ids: tuple[str, ...], queries: QueryLog
    ) -> None:
        model = open_model(self._models / deployment_id, spec)
        self._serving.add(
            open_lists(self._artifacts, deployment_id, user_ids=user_ids, queries=queries, model=model)
        )

    def _record_failure(self, deployment_id: str, failure: Failure) -> None:
        state = JobState.FAILED
        if isinstance(failure.error, JobStopped):
            state = JobState.INTERRUPTED if self._is_closing else JobState.CANCELLED
        _log.log(
            logging.ERROR if state is JobState.FAILED else logging.INFO,
            "deployment %s: %s: %s\n%s",
            deployment_id,
            state,
            failure.error,
            failure.trace,
        )
        self._serving.remove(deployment_id)
        self.forget(deployment_id)
        try:
            with self._database.write() as session:
                row = store.deployment(session, deployment_id)
                row.state, row.error, row.note = state, str(failure.error), str(state)
                row.finished_at = datetime.now(UTC)
        except StorageFailed as error:  # the next start will call it interrupted
            self._show(deployment_id, 0, f"{state} ({failure.error}), which could not be stored")
            _log.error("deployment %s: its end could not be stored: %s", deployment_id, error)

    def _on_measured(self, deployment_id: str, outcome: HitRateAtK | Failure) -> None:
        self._progress.pop(deployment_id, None)
        if self._is_closing and isinstance(outcome, Failure):
            return  # the next start measures it
        with self._database.write() as session:
            row = store.find_deployment(session, deployment_id)
            if row is None:  # deleted meanwhile
                return
            if isinstance(outcome, Failure):
                row.quality = QualityState.FAILED
                row.note = f"ready; HR@k was not measured: {outcome.error}"
                _log.error("deployment %s: HR@k: %s\n%s", deployment_id, outcome.error, outcome.trace)
            else:
                row.quality, row.hr_at_k = QualityState.MEASURED, outcome.model_dump()


def resume(jobs: Jobs, database: Database, serving: Serving) -> None:
    """Serve again what was ready when the service ended, and mark what was not."""
    with database.write() as session:
        for deployment_id in store.interrupt_unfinished(session):
            _log.warning("deployment %s was interrupted; retrain it", deployment_id)
    with database.read() as session:
        ready = [row for row in store.deployments(session) if row.state == JobState.DONE]
    for row in ready:
        try:
            jobs.load(row.id)
        except (NotFound, StorageFailed) as error:
            with database.write() as session:
                lost = store.deployment(session, row.id)
                lost.state, lost.error, lost.is_active = JobState.FAILED, f"{error} (retrain it)", False
            _log.error("deployment %s cannot be served: %s", row.id, error)
            continue
        if row.is_active:
            serving.activate(row.id)


def resume_measurements(jobs: Jobs, database: Database) -> None:
    """Measure what is ready and was not measured before the service ended."""
    with database.read() as session:
        rows = [row for row in store.deployments(session) if row.state == JobState.DONE]
    for row in rows:
        if row.quality == QualityState.PENDING:
            jobs.measure(row.id, DeploymentSpec.model_validate(row.spec))


def _size(trained: Trained) -> DeploymentSize:
    n_members = int(trained.is_member.sum())
    return DeploymentSize(
        users=len(trained.user_ids),
        members=n_members,
        non_members=len(trained.user_ids) - n_members,
        left_out=trained.n_left_out,
        items=len(trained.item_ids),
        interactions=int(trained.histories[np.flatnonzero(trained.is_member)].nnz),
    )
