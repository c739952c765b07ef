"""The rows of experiments: functions over a session; whoever opened it commits."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.attacker.experiment_tables import ExperimentArtifactRow, ExperimentEventRow, ExperimentRow
from shared.contract.base import JobState
from shared.errors import NotFound

INTERRUPTED = "the service ended while the experiment was under way; what is done is kept, resume goes on"
_UNFINISHED = [state.value for state in JobState if not state.is_final]


def experiments(session: Session) -> Sequence[ExperimentRow]:
    """List all, newest first."""
    query = select(ExperimentRow).order_by(ExperimentRow.created_at.desc(), ExperimentRow.id)
    return session.scalars(query).all()


def experiment(session: Session, experiment_id: str) -> ExperimentRow:
    """Give one. Raises NotFound if it does not exist."""
    row = session.get(ExperimentRow, experiment_id)
    if row is None:
        raise NotFound(f"there is no experiment {experiment_id[:80]!r}; GET /v1/experiments lists all")
    return row


def tell(session: Session, row: ExperimentRow) -> None:
    """Let an event say how an experiment stands now."""
    session.add(
        ExperimentEventRow(
            experiment_id=row.id,
            at=datetime.now(UTC),
            state=row.state,
            fraction=row.fraction,
            note=row.note,
            failed=row.failed,
        )
    )
    session.flush()


def events_after(session: Session, experiment_id: str, event_id: int) -> Sequence[ExperimentEventRow]:
    """Give what has happened since an event."""
    query = select(ExperimentEventRow).where(
        ExperimentEventRow.experiment_id == experiment_id, ExperimentEventRow.id > event_id
    )
    return session.scalars(query.order_by(ExperimentEventRow.id)).all()


def end(session: Session, row: ExperimentRow, state: JobState, note: str, *, error: str | None) -> None:
    """Let an experiment end in a final state, for now."""
    row.state, row.note, row.error = state, note, error
    row.finished_at = datetime.now(UTC)
    tell(session, row)


def interrupt_unfinished(session: Session) -> list[str]:
    """Mark what was under way when the service ended; give the ids."""
    rows = session.scalars(select(ExperimentRow).where(ExperimentRow.state.in_(_UNFINISHED))).all()
    for row in rows:
        end(session, row, JobState.INTERRUPTED, INTERRUPTED, error=INTERRUPTED)
    return [row.id for row in rows]


def use(session: Session, experiment_id: str, artifacts: Collection[str]) -> None:
    """Remember what an experiment makes or uses, so that nobody deletes it."""
    held = _artifacts(session, experiment_id)
    new = sorted(set(artifacts) - held)
    session.add_all(ExperimentArtifactRow(experiment_id=experiment_id, artifact=name) for name in new)
    session.flush()


def delete_experiment(session: Session, experiment_id: str) -> list[str]:
    """Delete an experiment with all its rows, and give the artefacts that no other one uses."""
    row = experiment(session, experiment_id)
    own = _artifacts(session, experiment_id)
    session.delete(row)
    session.flush()
    used = set(session.scalars(select(ExperimentArtifactRow.artifact).distinct()))
    return sorted(own - used)


def _artifacts(session: Session, experiment_id: str) -> set[str]:
    query = select(ExperimentArtifactRow.artifact).where(ExperimentArtifactRow.experiment_id == experiment_id)
    return set(session.scalars(query))
