"""The client of experiments says what the contract says."""

import json
from typing import Any

import httpx
import pytest
from client_worlds import MOMENT, Service, attacker, stream

from shared.contract.experiments import ExperimentSpec
from shared.errors import JobFailed, JobStopped

PATH = "/v1/experiments/e1"


def experiment(**changes: Any) -> dict[str, Any]:
    return {
        "id": "e1",
        "name": "smoke",
        "state": "done",
        "progress": {"fraction": 1.0, "note": "done"},
        "spec": {"grid": "smoke"},
        "jobs": {"cell": {"done": 2, "total": 2}},
        "failures": {},
        "data_hashes": {},
        "versions": {},
        "error": None,
        "created_at": MOMENT,
        "finished_at": MOMENT,
        **changes,
    }


def event(number: int, state: str) -> str:
    progress = {"fraction": 0.5, "note": "1 of 2 jobs done"}
    data = {"id": number, "at": MOMENT, "state": state, "progress": progress, "failed": 0}
    return f"id: {number}\ndata: {json.dumps(data)}\n\n"


def test_a_submitted_spec_arrives_as_it_was() -> None:
    spec = ExperimentSpec(grid="table-3", seeds=5)
    service = Service({"POST /v1/experiments": experiment(state="queued")})

    with attacker(service, api_key="attacker-key") as client:
        assert client.experiments.submit(spec).id == "e1"

    assert ExperimentSpec.model_validate(service.sent()) == spec
    assert service.last.headers["x-api-key"] == "attacker-key"


def test_experiments_are_listed_read_stopped_resumed_and_deleted() -> None:
    figures = {"auc": 0.9, "balanced_accuracy": 0.8, "published": 0.793, "n_seeds": 1}
    cell = {"shadow": "LI", "target": "LN", **figures}
    matrix = {"preset": "ccs21", "variation": {}, "shadows": ["LI"], "targets": ["LN"], "cells": [cell]}
    service = Service(
        {
            "GET /v1/experiments": {"experiments": [experiment(), experiment(id="e0")]},
            f"GET {PATH}": experiment(),
            f"GET {PATH}/matrix": {"matrices": [matrix]},
            f"GET {PATH}/results": httpx.Response(200, text="code,auc\n"),
            f"GET {PATH}/report": httpx.Response(200, text="<html>"),
            f"POST {PATH}/cancel": experiment(state="cancelling"),
            f"POST {PATH}/resume": experiment(state="queued"),
            f"POST {PATH}/resume?only_failed=true": experiment(state="queued", name="failed only"),
            f"DELETE {PATH}": httpx.Response(204),
        }
    )

    with attacker(service) as client:
        mine = client.experiments
        assert [one.id for one in mine.all()] == ["e1", "e0"]
        assert mine.get("e1").jobs["cell"].total == 2
        assert mine.matrices("e1")[0].cells[0].published == 0.793
        assert (mine.results_csv("e1"), mine.report_html("e1")) == ("code,auc\n", "<html>")
        assert mine.cancel("e1").state == "cancelling"
        assert mine.resume("e1").name == "smoke"
        assert mine.resume("e1", only_failed=True).name == "failed only"
        mine.delete("e1")


def test_waiting_follows_the_events_to_the_end() -> None:
    service = Service(
        {f"GET {PATH}/events": stream(event(1, "running"), event(2, "done")), f"GET {PATH}": experiment()}
    )

    with attacker(service) as client:
        assert client.experiments.wait("e1").state == "done"


@pytest.mark.parametrize(
    ("state", "error", "kind", "message"),
    [("cancelled", None, JobStopped, "resume it"), ("failed", "3 jobs failed", JobFailed, "3 jobs failed")],
)
def test_what_did_not_get_done_is_an_error(
    state: str, error: str | None, kind: type[Exception], message: str
) -> None:
    service = Service(
        {f"GET {PATH}/events": stream(event(1, state)), f"GET {PATH}": experiment(state=state, error=error)}
    )

    with attacker(service) as client, pytest.raises(kind, match=message):
        client.experiments.wait("e1")
