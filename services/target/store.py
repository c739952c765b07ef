"""The target's rows: functions over a session; whoever opened it commits."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from services.target.counting import Counted, StoredCount
from services.target.tables import (
    DeploymentRow,
    MembershipRow,
    OracleCallRow,
    QueryCountRow,
    StrangerRow,
    UserRow,
)
from shared.arrays import Bools
from shared.contract.base import JobState
from shared.errors import NotFound

_CHUNK = 20_000  # rows per insert statement: bounds the memory of a million users
_NAMES_PER_QUERY = 500  # SQLite takes at most 999 parameters in older builds
_UNFINISHED = [state.value for state in JobState if not state.is_final]


def deployments(session: Session) -> Sequence[DeploymentRow]:
    """List all, newest first."""
    newest = (DeploymentRow.created_at.desc(), DeploymentRow.id)
    return session.scalars(select(DeploymentRow).order_by(*newest)).all()


def deployment(session: Session, deployment_id: str) -> DeploymentRow:
    """Give one. Raises NotFound if it does not exist."""
    row = find_deployment(session, deployment_id)
    if row is None:
        raise NotFound(f"there is no deployment {deployment_id[:80]!r}; GET /admin/deployments lists all")
    return row


def find_deployment(session: Session, deployment_id: str) -> DeploymentRow | None:
    """Give one; None if it does not exist."""
    return session.get(DeploymentRow, deployment_id)


def activate(session: Session, deployment_id: str) -> None:
    """Make one the active one, and no other."""
    session.execute(update(DeploymentRow).values(is_active=DeploymentRow.id == deployment_id))


def interrupt_unfinished(session: Session) -> list[str]:
    """Mark what was under way when the service ended; give the ids."""
    rows = session.scalars(select(DeploymentRow).where(DeploymentRow.state.in_(_UNFINISHED))).all()
    for row in rows:
        row.state = JobState.INTERRUPTED
        row.error = "the service ended during the training; retrain it"
        row.finished_at = datetime.now(UTC)
    session.flush()
    return [row.id for row in rows]


def insert_users(session: Session, deployment_id: str, user_ids: Sequence[str], is_member: Bools) -> None:
    """Store who is known and, in a table of its own, who is a member; place = row."""
    for start in range(0, len(user_ids), _CHUNK):
        rows = range(start, min(start + _CHUNK, len(user_ids)))
        users = [{"deployment_id": deployment_id, "user_row": row, "user_id": user_ids[row]} for row in rows]
        members = [
            {"deployment_id": deployment_id, "user_row": row, "is_member": bool(is_member[row])}
            for row in rows
        ]
        session.execute(insert(UserRow), users)
        session.execute(insert(MembershipRow), members)


def user_ids(session: Session, deployment_id: str) -> tuple[str, ...]:
    """The ids of all known users, by row."""
    query = select(UserRow.user_id).where(UserRow.deployment_id == deployment_id).order_by(UserRow.user_row)
    return tuple(session.scalars(query))


def is_member_by_row(session: Session, deployment_id: str) -> Bools:
    """Who is a member, by row: (n_users,) bool."""
    query = select(MembershipRow.is_member).where(MembershipRow.deployment_id == deployment_id)
    return np.array(session.scalars(query.order_by(MembershipRow.user_row)).all(), dtype=np.bool_)


def membership_of(session: Session, deployment_id: str, names: Sequence[str]) -> dict[str, bool]:
    """Who of these is a member; unknown ids are left out."""
    query = (
        select(UserRow.user_id, MembershipRow.is_member)
        .join(
            MembershipRow,
            (MembershipRow.deployment_id == UserRow.deployment_id)
            & (MembershipRow.user_row == UserRow.user_row),
        )
        .where(UserRow.deployment_id == deployment_id)
    )
    found: dict[str, bool] = {}
    for start in range(0, len(names), _NAMES_PER_QUERY):
        some = names[start : start + _NAMES_PER_QUERY]
        rows = session.execute(query.where(UserRow.user_id.in_(some)))
        found.update({user_id: is_member for user_id, is_member in rows})
    return found


def log_oracle_call(
    session: Session, *, client: str, deployment_id: str, n_users: int, n_unknown: int
) -> None:
    """Remember that somebody asked the oracle."""
    session.add(
        OracleCallRow(
            at=datetime.now(UTC),
            client=client,
            deployment_id=deployment_id,
            n_users=n_users,
            n_unknown=n_unknown,
        )
    )
    session.flush()


def save_counted(session: Session, counted: Counted) -> None:
    """Store changed query counts; those of a deployment that was deleted meanwhile are dropped."""
    if session.get(DeploymentRow, counted.deployment_id) is None:
        return
    for count in counted.counts:
        session.merge(
            QueryCountRow(
                deployment_id=counted.deployment_id,
                client=count.client,
                k=count.k,
                lists=count.lists,
                repeated=count.repeated,
                asked=count.asked,
            )
        )
    if counted.strangers:
        rows = [
            {"deployment_id": counted.deployment_id, "place": place, "digest": digest}
            for place, digest in counted.strangers
        ]
        session.execute(insert(StrangerRow), rows)
    session.flush()


def stored_counts(session: Session, deployment_id: str) -> list[StoredCount]:
    """The query counts of a deployment."""
    rows = session.scalars(select(QueryCountRow).where(QueryCountRow.deployment_id == deployment_id))
    return [StoredCount(row.client, row.k, row.lists, row.repeated, row.asked) for row in rows]


def stored_strangers(session: Session, deployment_id: str) -> list[bytes]:
    """The digests of unknown ids, in the order they were first asked for."""
    query = select(StrangerRow.digest).where(StrangerRow.deployment_id == deployment_id)
    return list(session.scalars(query.order_by(StrangerRow.place)))
