"""The rules of deployments: what may be asked for, what happens next, and what an admin is told."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

from services.target import store
from services.target.counting import QueryLog
from services.target.jobs import Jobs
from services.target.serving import Serving
from services.target.tables import DeploymentRow
from shared.contract.base import JobProgress, JobState
from shared.contract.target import (
    Deployment,
    DeploymentList,
    DeploymentSize,
    DeploymentSpec,
    HitRateAtK,
    MembershipAnswer,
    MembershipQuestion,
    QualityState,
    QueryCounts,
)
from shared.database import Database
from shared.datasets.naming import dataset_name
from shared.errors import Conflict, NotFound


class TargetService:
    """What admins and the oracle's clients can do."""

    def __init__(self, *, database: Database, jobs: Jobs, serving: Serving, data_dir: Path) -> None:
        self._database = database
        self._jobs = jobs
        self._serving = serving
        self._data_dir = data_dir

    def deploy(self, spec: DeploymentSpec) -> Deployment:
        """Begin a deployment. Raises NotFound or BadInput at once if its dataset cannot be had."""
        dataset_name(spec.dataset, self._data_dir)
        deployment_id = secrets.token_hex(6)
        with self._database.write() as session:
            session.add(_new_row(deployment_id, spec))
        seed = secrets.randbits(63) if spec.membership_seed is None else spec.membership_seed
        self._jobs.train(deployment_id, spec, seed)
        return self.get(deployment_id)

    def deploy_first(self, spec: DeploymentSpec) -> None:
        """Begin a deployment unless one is ready already."""
        if all(one.state is not JobState.DONE for one in self.list_all().deployments):
            self.deploy(spec)

    def list_all(self) -> DeploymentList:
        """All deployments, newest first."""
        with self._database.read() as session:
            return DeploymentList(deployments=tuple(map(self._described, store.deployments(session))))

    def get(self, deployment_id: str) -> Deployment:
        """One deployment. Raises NotFound."""
        with self._database.read() as session:
            return self._described(store.deployment(session, deployment_id))

    def activate(self, deployment_id: str) -> Deployment:
        """Let `/v1/...` answer from this one. Raises Conflict unless it is ready."""
        with self._serving.switching(), self._database.write() as session:
            row = store.deployment(session, deployment_id)
            if row.state != JobState.DONE:
                raise Conflict(f"the deployment is {row.state}; only one that is done can be activated")
            store.activate(session, deployment_id)
            self._serving.activate(deployment_id)
        return self.get(deployment_id)

    def retrain(self, deployment_id: str) -> Deployment:
        """Begin a new deployment of the same spec: other members, unless their seed was fixed."""
        with self._database.read() as session:
            row = store.deployment(session, deployment_id)
            spec = DeploymentSpec.model_validate({**row.spec, "membership_seed": row.membership_seed})
        return self.deploy(spec)

    def cancel(self, deployment_id: str) -> Deployment:
        """Ask a training to stop. Raises Conflict if it has ended."""
        with self._database.write() as session:
            row = store.deployment(session, deployment_id)
            if JobState(row.state).is_final:
                raise Conflict(f"the deployment is {row.state} already; there is nothing to cancel")
            row.state = JobState.CANCELLING
        self._jobs.stop(deployment_id)
        return self.get(deployment_id)

    def delete(self, deployment_id: str) -> None:
        """Delete a deployment with everything that belongs to it. Raises Conflict while it is trained."""
        with self._database.write() as session:
            row = store.deployment(session, deployment_id)
            if not JobState(row.state).is_final:
                raise Conflict(f"the deployment is {row.state}; cancel it first")
            session.delete(row)
        self._jobs.stop(deployment_id)
        self._serving.remove(deployment_id)
        self._jobs.forget(deployment_id)

    def queries(self, deployment_id: str) -> QueryCounts:
        """What was asked of a deployment up to now."""
        with self._database.read() as session:
            store.deployment(session, deployment_id)
        try:
            return self._serving.get(deployment_id).queries.counts()
        except NotFound:  # it was never served
            return QueryLog(deployment_id, 0).counts()

    def membership(self, question: MembershipQuestion, client: str) -> MembershipAnswer:
        """Tell the truth, and log that it was told.

        Raises NotFound if the deployment does not exist; Conflict if none is ready.
        """
        with self._database.read() as session:
            deployment_id = self._asked_deployment(question.deployment)
            store.deployment(session, deployment_id)
            found = store.membership_of(session, deployment_id, question.user_ids)
        known = tuple(user_id for user_id in question.user_ids if user_id in found)
        unknown = tuple(user_id for user_id in question.user_ids if user_id not in found)
        with self._database.write() as session:
            store.log_oracle_call(
                session,
                client=client,
                deployment_id=deployment_id,
                n_users=len(question.user_ids),
                n_unknown=len(unknown),
            )
        return MembershipAnswer(
            deployment=deployment_id,
            user_ids=known,
            is_member=tuple(found[user_id] for user_id in known),
            unknown=unknown,
        )

    def why_not_ready(self) -> str | None:
        """Say what keeps the service from answering; None if nothing does. Raises StorageFailed."""
        self._database.ping()
        if self._serving.active is None:
            unfinished = [one for one in self.list_all().deployments if not one.state.is_final]
            state = f"{unfinished[0].id} is {unfinished[0].state}" if unfinished else "none is being trained"
            return f"no deployment is active; {state}"
        return None

    def _asked_deployment(self, deployment_id: str | None) -> str:
        if deployment_id is not None:
            return self._serving.get(deployment_id).id
        if self._serving.active is None:
            raise Conflict("no deployment is active; name one, or wait for its training")
        return self._serving.active.id

    def _described(self, row: DeploymentRow) -> Deployment:
        stored = JobProgress(fraction=row.fraction, note=row.note)
        return Deployment(
            id=row.id,
            state=JobState(row.state),
            progress=self._jobs.progress_of(row.id) or stored,
            is_active=row.is_active,
            spec=DeploymentSpec.model_validate(row.spec),
            size=None if row.size is None else DeploymentSize.model_validate(row.size),
            quality=self._quality(row),
            hr_at_k=None if row.hr_at_k is None else HitRateAtK.model_validate(row.hr_at_k),
            error=row.error,
            created_at=row.created_at,
            finished_at=row.finished_at,
        )

    def _quality(self, row: DeploymentRow) -> QualityState:
        stored, state = QualityState(row.quality), JobState(row.state)
        if stored is not QualityState.PENDING:
            return stored
        if state.is_final and state is not JobState.DONE:
            return QualityState.FAILED  # there is nothing to measure
        return stored if self._jobs.is_measured else QualityState.OFF


def _new_row(deployment_id: str, spec: DeploymentSpec) -> DeploymentRow:
    return DeploymentRow(
        id=deployment_id,
        state=JobState.QUEUED,
        fraction=0,
        note="waiting for a worker",
        is_active=False,
        quality=QualityState.PENDING,
        spec=spec.model_dump(mode="json", exclude={"membership_seed"}),
        membership_seed=spec.membership_seed,
        created_at=datetime.now(UTC),
    )
