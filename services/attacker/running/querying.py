"""The query stage: whom to judge, and what the target recommends to them; no list is asked for twice."""

import logging
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing, nullcontext

from services.attacker import store
from services.attacker.answers import Answers
from services.attacker.asking.journal import Journal, journal_path
from services.attacker.asking.target_client import Chunk
from services.attacker.asking.wire_answers import Names
from services.attacker.packing import interactions_of
from services.attacker.running import stages
from services.attacker.running.recorder import Step
from services.attacker.running.stages import Worlds
from services.attacker.running.stepping import Steps
from shared.artifacts import artifact_name
from shared.contract.attacker import AttackSpec, InlineUsers, ProfileUsers, QueryMode
from shared.errors import BadInput
from shared.interactions import Interactions
from shared.randomness import rng_for

_PROFILES_AT_ONCE = 500
_log = logging.getLogger(__name__)


def find_judged_users(steps: Steps, spec: AttackSpec, worlds: Worlds) -> dict[str, str]:
    """Store the users to judge and their histories, and give the content hashes of all data.

    Raises BadInput or NotFound for data that is no good or a target that shows nobody.
    """
    if steps.is_done(Step.JUDGED_USERS, steps.judged):
        with steps.resources.database.read() as session:
            return dict(store.attack(session, steps.attack_id).data_hashes)
    started = steps.begin(Step.JUDGED_USERS, steps.judged)
    hashes = steps.work(stages.read_worlds, steps.judged, worlds)
    if worlds.judged is None:
        hashes["judged users"] = stages.keep_judged(steps.artifacts, steps.judged, _other_users(steps, spec))
    steps.recorder.finish(Step.JUDGED_USERS, time.monotonic() - started, data_hashes=hashes)
    return hashes


def ask_for_lists(steps: Steps, spec: AttackSpec) -> None:
    """Ask the target for a list for each user, chunk by chunk; each is stored as soon as it is complete.

    Raises TargetError, Unauthorized or BadInput with what the target did wrong or refused.
    """
    if steps.is_done(Step.QUERY, steps.answers):
        return
    started = steps.begin(Step.QUERY, steps.answers)
    user_ids, size = steps.user_ids(), spec.target.query.batch_size
    starts = range(0, len(user_ids), size)
    chunks = [(number, user_ids[start : start + size]) for number, start in enumerate(starts)]
    names = [_chunk_name(steps, number) for number, _ in chunks]
    if not steps.artifacts.has(steps.answers):
        stored = _stored_chunks(steps)
        missing = [chunk for chunk in chunks if chunk[0] not in stored]
        if missing:
            _ask(steps, spec, missing, len(user_ids))
        steps.work(stages.join_answers, steps.answers, names)
    steps.recorder.finish(Step.QUERY, time.monotonic() - started)
    for name in names:
        steps.artifacts.delete(name)


def _ask(steps: Steps, spec: AttackSpec, chunks: Sequence[Chunk], n_users: int) -> None:
    n_done = n_users - sum(len(users) for _, users in chunks)
    began = time.monotonic()
    with (
        _journal(steps, spec) as journal,
        steps.client(spec.target, rng=rng_for(spec.seed, "target", "pauses"), journal=journal) as client,
    ):
        try:
            with closing(client.answers(chunks, k=spec.k)) as answers:
                for number, received in answers:
                    _keep_chunk(steps, number, received, client.deployment)
                    if journal is not None:
                        journal.clear()
                    n_done += received.lists.n_users
                    steps.recorder.progress(n_done / n_users, f"lists {n_done:,} of {n_users:,}")
        finally:
            seconds = time.monotonic() - began
            steps.recorder.account(requests=client.requests, repeats=client.repeats, seconds=seconds)


def _journal(steps: Steps, spec: AttackSpec) -> AbstractContextManager[Journal | None]:
    """Open the journal of single answers; in batch mode an answer is a whole chunk and needs none."""
    if spec.target.query.mode is QueryMode.BATCH:
        return nullcontext()
    return Journal(journal_path(steps.artifacts, steps.attack_id))


def _keep_chunk(steps: Steps, number: int, received: Answers, deployment: str | None) -> None:
    name = _chunk_name(steps, number)
    steps.artifacts.put(name, received.to_arrays(), {"number": number})
    steps.recorder.chunk(number, name, received.lists.n_users, deployment=deployment)


def _stored_chunks(steps: Steps) -> set[int]:
    """The chunks that need not be asked for again; one whose file is lost is forgotten."""
    with steps.resources.database.write() as session:
        found = {row.number for row in store.chunks(session, steps.attack_id)}
        lost = {number for number in found if not steps.artifacts.has(_chunk_name(steps, number))}
        store.forget_chunks(session, steps.attack_id, lost)
    if lost:
        _log.warning("attack %s: %d chunks of lists are lost and asked for again", steps.attack_id, len(lost))
    return found - lost


def _chunk_name(steps: Steps, number: int) -> str:
    return artifact_name("chunk", attack=steps.attack_id, number=number)


def _other_users(steps: Steps, spec: AttackSpec) -> Interactions:
    """The users whom no dataset gives: those of the spec, or those whose profile the target shows."""
    if isinstance(spec.users, InlineUsers):
        return interactions_of(spec.users.histories)
    assert isinstance(spec.users, ProfileUsers)  # the third kind is read with the datasets
    histories: dict[str, Names] = {}
    with steps.client(spec.target, rng=rng_for(spec.seed, "profiles", "pauses")) as client:
        users = _drawn(client.users(), spec.users.limit, seed=spec.seed)
        for start in range(0, len(users), _PROFILES_AT_ONCE):
            steps.stops.check()
            some = users[start : start + _PROFILES_AT_ONCE]
            histories.update(zip(some, client.histories(some), strict=True))
            note = f"profiles {len(histories):,} of {len(users):,}"
            steps.recorder.progress(len(histories) / len(users), note)
        steps.recorder.account(requests=client.requests, repeats=client.repeats, seconds=0.0)
    return interactions_of(histories)


def _drawn(users: Names, limit: int | None, *, seed: int) -> Names:
    if not users:
        raise BadInput("the target shows no users to judge; name them in the spec or take a dataset's")
    if limit is None or limit >= len(users):
        return users
    rows = rng_for(seed, "judged users").choice(len(users), size=limit, replace=False)
    return [users[row] for row in sorted(rows.tolist())]
