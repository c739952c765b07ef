"""The attacker's rows: functions over a session; whoever opened it commits."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.attacker.tables import AttackRow, ChunkRow, EventRow, StepRow
from shared.contract.base import JobState
from shared.errors import NotFound

INTERRUPTED = "the service ended while the attack was under way; what was stored is kept, resume goes on"
_UNFINISHED = [state.value for state in JobState if not state.is_final]


def attacks(session: Session) -> Sequence[AttackRow]:
    """List all, newest first."""
    return session.scalars(select(AttackRow).order_by(AttackRow.created_at.desc(), AttackRow.id)).all()


def attack(session: Session, attack_id: str) -> AttackRow:
    """Give one. Raises NotFound if it does not exist."""
    row = session.get(AttackRow, attack_id)
    if row is None:
        raise NotFound(f"there is no attack {attack_id[:80]!r}; GET /v1/attacks lists all")
    return row


def tell(session: Session, row: AttackRow) -> None:
    """Let an event say how an attack stands now."""
    session.add(
        EventRow(
            attack_id=row.id,
            at=datetime.now(UTC),
            state=row.state,
            stage=row.stage,
            fraction=row.fraction,
            note=row.note,
        )
    )
    session.flush()


def events_after(session: Session, attack_id: str, event_id: int) -> Sequence[EventRow]:
    """Give what has happened since an event."""
    query = select(EventRow).where(EventRow.attack_id == attack_id, EventRow.id > event_id)
    return session.scalars(query.order_by(EventRow.id)).all()


def end(session: Session, row: AttackRow, state: JobState, note: str, *, error: str | None) -> None:
    """Let an attack end in a final state, for now."""
    row.state, row.note, row.error = state, note, error
    row.finished_at = datetime.now(UTC)
    tell(session, row)


def interrupt_unfinished(session: Session) -> list[str]:
    """Mark what was under way when the service ended; give the ids."""
    rows = session.scalars(select(AttackRow).where(AttackRow.state.in_(_UNFINISHED))).all()
    for row in rows:
        end(session, row, JobState.INTERRUPTED, INTERRUPTED, error=INTERRUPTED)
    return [row.id for row in rows]


def steps(session: Session, attack_id: str) -> dict[str, StepRow]:
    """Give the steps begun, by name."""
    rows = session.scalars(select(StepRow).where(StepRow.attack_id == attack_id))
    return {row.name: row for row in rows}


def all_timings(session: Session) -> dict[str, dict[str, float]]:
    """Give the seconds of all finished steps, by attack and name."""
    timings: dict[str, dict[str, float]] = {}
    for row in session.scalars(select(StepRow)):
        if row.seconds is not None:
            timings.setdefault(row.attack_id, {})[row.name] = row.seconds
    return timings


def begin_step(session: Session, attack_id: str, name: str, artifact: str | None) -> None:
    """Remember what a step is about to make or use."""
    session.merge(StepRow(attack_id=attack_id, name=name, artifact=artifact, seconds=None))
    session.flush()


def finish_step(session: Session, attack_id: str, name: str, seconds: float) -> None:
    """Remember that a step's result is stored."""
    row = session.get_one(StepRow, (attack_id, name))
    row.seconds = seconds
    session.flush()


def chunks(session: Session, attack_id: str) -> Sequence[ChunkRow]:
    """Give the stored chunks, in order."""
    query = select(ChunkRow).where(ChunkRow.attack_id == attack_id).order_by(ChunkRow.number)
    return session.scalars(query).all()


def add_chunk(session: Session, attack_id: str, number: int, artifact: str, n_lists: int) -> None:
    """Remember that a chunk is stored."""
    session.merge(ChunkRow(attack_id=attack_id, number=number, artifact=artifact, n_lists=n_lists))
    session.flush()


def forget_chunks(session: Session, attack_id: str, numbers: Iterable[int]) -> None:
    """Forget chunks whose artefacts are lost, and count the lists anew."""
    for number in numbers:
        session.execute(delete(ChunkRow).where(ChunkRow.attack_id == attack_id, ChunkRow.number == number))
    attack(session, attack_id).lists = sum(chunk.n_lists for chunk in chunks(session, attack_id))
    session.flush()


def delete_attack(session: Session, attack_id: str) -> list[str]:
    """Delete an attack with all its rows, and give the artefacts that no other attack uses."""
    row = attack(session, attack_id)
    own = {step.artifact for step in steps(session, attack_id).values() if step.artifact}
    others = select(StepRow.artifact).where(StepRow.attack_id != attack_id, StepRow.artifact.in_(own))
    used = set(session.scalars(others))
    own |= {chunk.artifact for chunk in chunks(session, attack_id)}
    session.delete(row)
    session.flush()
    return sorted(own - used)
