"""The rules of attacks: what may be asked for, what happens next, and what is told of it."""

import platform
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version

from services.attacker import store
from services.attacker.asking.journal import journal_path
from services.attacker.packing import unpack_evidence
from services.attacker.predictions import Predictions
from services.attacker.running.jobs import Jobs
from services.attacker.running.public_data import worlds_of
from services.attacker.running.recorder import Step
from services.attacker.running.stepping import Resources
from services.attacker.tables import AttackRow, EventRow
from shared import __version__
from shared.contract.attacker import (
    Attack,
    AttackEvent,
    AttackList,
    AttackSpec,
    Judgement,
    PredictionPage,
    QueryAccount,
    Stage,
)
from shared.contract.base import JobProgress, JobState
from shared.errors import BadInput, Conflict
from shared.interactions import Ids

_PACKAGES = ("aiohttp", "numba", "numpy", "scipy")


class AttackerService:
    """What clients of the attacker can do."""

    def __init__(self, *, resources: Resources, jobs: Jobs) -> None:
        self._resources = resources
        self._database = resources.database
        self._jobs = jobs

    def submit(self, spec: AttackSpec) -> Attack:
        """Begin an attack.

        Raises NotFound or BadInput at once for a dataset or a key that cannot be had, or a key in an address.
        """
        self._check(spec)
        attack_id = secrets.token_hex(6)
        with self._database.write() as session:
            row = _new_row(attack_id, spec)
            session.add(row)
            session.flush()
            store.tell(session, row)
        self._jobs.start(attack_id, spec)
        return self.get(attack_id)

    def list_all(self) -> AttackList:
        """All attacks, newest first."""
        with self._database.read() as session:
            timings = store.all_timings(session)
            rows = store.attacks(session)
            return AttackList(attacks=tuple(_described(row, timings.get(row.id, {})) for row in rows))

    def get(self, attack_id: str) -> Attack:
        """One attack. Raises NotFound."""
        with self._database.read() as session:
            row = store.attack(session, attack_id)
            steps = store.steps(session, attack_id).values()
            return _described(row, {one.name: one.seconds for one in steps if one.seconds is not None})

    def events_after(self, attack_id: str, event_id: int) -> tuple[list[AttackEvent], bool]:
        """What has happened since an event, and whether nothing more will. Raises NotFound."""
        with self._database.read() as session:
            row = store.attack(session, attack_id)
            events = [_event(one) for one in store.events_after(session, attack_id, event_id)]
            return events, JobState(row.state).is_final

    def predictions(self, attack_id: str, cursor: str | None, limit: int) -> PredictionPage:
        """A page of predictions. Raises Conflict as long as there are no scores."""
        return self._predictions(attack_id).page(cursor, limit)

    def prediction_lines(self, attack_id: str) -> Iterator[str]:
        """All predictions as CSV. Raises Conflict, at once, as long as there are no scores."""
        return self._predictions(attack_id).lines()

    def figures(self, attack_id: str) -> Judgement:
        """All figures. Raises Conflict as long as there are none, saying why."""
        attack = self.get(attack_id)
        if attack.judgement is not None:
            return attack.judgement
        if attack.spec.evaluate is None:
            raise Conflict("no evaluation was asked for; submit the attack with `evaluate` to get figures")
        raise Conflict(f"the attack is not evaluated yet; {_standing(attack)}")

    def cancel(self, attack_id: str) -> Attack:
        """Ask an attack to stop; what is stored stays. Raises Conflict if it has ended."""
        with self._database.write() as session:
            row = store.attack(session, attack_id)
            if JobState(row.state).is_final:
                raise Conflict(f"the attack is {row.state} already; there is nothing to cancel")
            if row.state != JobState.CANCELLING:
                row.state, row.note = JobState.CANCELLING, "stopping at the next epoch or chunk"
                store.tell(session, row)
        if self._jobs.cancel(attack_id):
            with self._database.write() as session:
                row = store.attack(session, attack_id)
                store.end(session, row, JobState.CANCELLED, "cancelled before it began", error=None)
        return self.get(attack_id)

    def resume(self, attack_id: str) -> Attack:
        """Go on at the first stage or chunk that is not stored. Raises Conflict if done or under way."""
        spec = self.get(attack_id).spec
        self._check(spec)
        with self._database.write() as session:
            row = store.attack(session, attack_id)
            if not JobState(row.state).is_final:
                raise Conflict(f"the attack is {row.state}; there is nothing to resume")
            if row.state == JobState.DONE:
                raise Conflict("the attack is done; there is nothing to resume")
            row.state, row.note = JobState.QUEUED, "waiting to go on"
            row.error, row.finished_at, row.versions = None, None, _versions()
            store.tell(session, row)
        self._jobs.start(attack_id, spec)
        return self.get(attack_id)

    def delete(self, attack_id: str) -> None:
        """Delete an attack and what no other attack uses. Raises Conflict while it is under way."""
        with self._resources.sharing:
            with self._database.write() as session:
                row = store.attack(session, attack_id)
                if not JobState(row.state).is_final:
                    raise Conflict(f"the attack is {row.state}; cancel it first")
                unused = store.delete_attack(session, attack_id)
            for name in unused:
                self._resources.artifacts.delete(name)
            journal_path(self._resources.artifacts, attack_id).unlink(missing_ok=True)

    def ping(self) -> None:
        """Raise StorageFailed if the database does not answer."""
        self._database.ping()

    def _check(self, spec: AttackSpec) -> None:
        worlds_of(spec, self._resources.data_dir)
        self._resources.keys.check(spec.target.key_env)
        urls = [spec.target.url]
        if spec.evaluate is not None:
            self._resources.keys.check(spec.evaluate.key_env)
            urls += [spec.evaluate.oracle_url] if spec.evaluate.oracle_url else []
        if any(url.username or url.password for url in urls):
            raise BadInput(
                "an address holds a user or a password, which would be stored and shown; put a key into an "
                "environment variable of the attacker service and name it (key_env)"
            )

    def _predictions(self, attack_id: str) -> Predictions:
        with self._database.read() as session:
            store.attack(session, attack_id)
            steps = store.steps(session, attack_id)
        scored, judged = steps.get(Step.SCORE), steps.get(Step.JUDGED_USERS)
        if scored is None or scored.seconds is None or scored.artifact is None:
            raise Conflict(f"there are no scores yet; {_standing(self.get(attack_id))}")
        assert judged is not None and judged.artifact is not None  # stored before the scores
        artifacts = self._resources.artifacts
        user_ids = Ids.from_array(artifacts.get(judged.artifact).arrays["user_ids"]).names
        return Predictions(user_ids, unpack_evidence(artifacts.get(scored.artifact)).attack)


def _standing(attack: Attack) -> str:
    where = f" at the stage {attack.stage}" if attack.stage else ""
    advice = "resume it" if attack.state.is_final else "wait for it"
    return f"the attack is {attack.state}{where}; {advice}"


def _new_row(attack_id: str, spec: AttackSpec) -> AttackRow:
    return AttackRow(
        id=attack_id,
        state=JobState.QUEUED,
        stage=Stage.QUERY,
        fraction=0.0,
        note="waiting to begin",
        spec=spec.model_dump(mode="json"),
        lists=0,
        requests=0,
        repeats=0,
        query_seconds=0.0,
        versions=_versions(),
        data_hashes={},
        created_at=datetime.now(UTC),
    )


def _versions() -> dict[str, str]:
    return {
        "recleak": __version__,
        "python": platform.python_version(),
        **{package: version(package) for package in _PACKAGES},
    }


def _described(row: AttackRow, timings: dict[str, float]) -> Attack:
    return Attack(
        id=row.id,
        state=JobState(row.state),
        stage=None if row.stage is None else Stage(row.stage),
        progress=JobProgress(fraction=row.fraction, note=row.note),
        spec=AttackSpec.model_validate(row.spec),
        deployment=row.deployment,
        queries=QueryAccount(
            lists=row.lists, requests=row.requests, repeats=row.repeats, seconds=row.query_seconds
        ),
        judgement=None if row.judgement is None else Judgement.model_validate(row.judgement),
        timings=timings,
        versions=row.versions,
        data_hashes=row.data_hashes,
        error=row.error,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _event(row: EventRow) -> AttackEvent:
    return AttackEvent(
        id=row.id,
        at=row.at,
        state=JobState(row.state),
        stage=None if row.stage is None else Stage(row.stage),
        progress=JobProgress(fraction=row.fraction, note=row.note),
    )
