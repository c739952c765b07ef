"""Every artefact is made once, after what it needs; what fails stops only what needs it."""

import numpy as np
import pytest

from services.attacker.experiments.scheduling import N_TRIES, Job, run_jobs
from shared.artifacts import ArtifactStore
from shared.engine.inline import InlineEngine
from shared.errors import BadInput, JobStopped, WorkerDied

CALLS: list[str] = []


def make(store, name, *, progress):
    CALLS.append(name)
    store.put(name, {"x": np.zeros(1)}, {})


def refuse(store, name, *, progress):
    CALLS.append(name)
    raise BadInput("cannot be made")


def die(store, name, *, progress):
    CALLS.append(name)
    raise WorkerDied("killed")


class Notes:
    def __init__(self):
        self.told = []

    def began(self, job):
        self.told.append(("began", job.name))

    def ended(self, job):
        self.told.append(("ended", job.name))

    def failed(self, job, error):
        self.told.append(("failed", job.name))


@pytest.fixture
def store(tmp_path):
    CALLS.clear()
    return ArtifactStore(tmp_path)


def job(store, name, *needs, function=make, weight=1.0):
    return Job(name, name, "kind", function, (store, name), needs, weight)


def run(store, *jobs, should_stop=lambda: False):
    notes = Notes()
    failures = run_jobs(
        jobs, store=store, engine=InlineEngine(), n_slots=2, observer=notes, should_stop=should_stop
    )
    return failures, notes.told


def test_what_is_needed_comes_first_and_heavy_before_light(store):
    failures, _ = run(store, job(store, "c", "a", "b"), job(store, "a", weight=1), job(store, "b", weight=9))

    assert not failures
    assert CALLS == ["b", "a", "c"]


def test_what_is_stored_is_not_made_again(store):
    run(store, job(store, "a"), job(store, "b", "a"))
    CALLS.clear()

    failures, told = run(store, job(store, "a"), job(store, "b", "a"), job(store, "c", "b"))

    assert not failures
    assert CALLS == ["c"]
    assert told == [("began", "c"), ("ended", "c")]


def test_a_failure_stops_what_needs_it_and_nothing_else(store):
    failures, told = run(
        store,
        job(store, "bad", function=refuse),
        job(store, "after", "bad"),
        job(store, "later", "after"),
        job(store, "other"),
    )

    assert sorted(failures) == ["after", "bad", "later"]
    assert store.names() == ["other"]
    assert ("failed", "later") in told


def test_a_job_whose_worker_dies_is_tried_again_and_then_given_up(store):
    failures, _ = run(store, job(store, "unlucky", function=die), job(store, "other"))

    assert CALLS.count("unlucky") == N_TRIES
    assert isinstance(failures["unlucky"], WorkerDied)
    assert store.has("other")


def test_a_need_that_nobody_makes_is_a_failure(store):
    failures, told = run(store, job(store, "a", "nobody"), job(store, "b"))

    assert "needs nobody" in str(failures["a"])
    assert ("failed", "a") in told
    assert store.names() == ["b"]


def test_a_stop_keeps_what_is_stored(store):
    with pytest.raises(JobStopped, match="resume"):
        run(store, job(store, "a"), job(store, "b", "a"), should_stop=lambda: store.has("a"))

    assert store.names() == ["a"]
