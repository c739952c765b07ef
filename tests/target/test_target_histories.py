"""Lists from histories that a request brings along, and strangers who are folded in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.contract.target import HistoryAnswer
from tests.target.running import Running, running

QUICK: dict[str, dict[str, int]] = {
    "item": {},
    "lfm": {"n_epochs": 2},
    "ncf": {"n_epochs": 1},
    "popularity": {},
}


@pytest.fixture(scope="module", params=QUICK)
def folding(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("target")) as service:
        service.deploy(
            algorithm=request.param,
            hyperparameters=QUICK[request.param],
            cold_start="fold_in",
            answers_histories=True,
            membership_seed=1,
        )
        yield service


def ask(target: Running, items: list[str], *, base: str = "/v1", **body: Any) -> httpx.Response:
    return target.ask("POST", f"{base}/recommendations", json={"items": items, **body})


def history_of(target: Running, user: str) -> list[str]:
    return list(target.get(f"/v1/users/{user}/history").json()["items"])


def others_of(target: Running) -> list[str]:
    return [user for user, is_member in target.members().items() if not is_member]


def test_non_members_are_served_what_their_history_gets(folding: Running) -> None:
    """So a stranger who brings the history of a known one learns nothing more."""
    for user in others_of(folding)[:5]:
        history = history_of(folding, user)

        answer = HistoryAnswer.model_validate_json(ask(folding, history).content)

        assert list(answer.items) == folding.list_of(user)
        assert len(answer.items) == 20 and not set(history) & set(answer.items)


def test_an_id_never_seen_has_no_history_and_gets_the_popular_list(folding: Running) -> None:
    assert folding.list_of("never seen") == folding.get("/v1/popular").json()["items"]


def test_order_and_repeats_change_nothing(folding: Running) -> None:
    history = history_of(folding, others_of(folding)[0])

    assert ask(folding, history + history[::-1]).content == ask(folding, history).content


def test_k_cuts_the_list(folding: Running) -> None:
    history = history_of(folding, others_of(folding)[0])

    assert ask(folding, history, k=3).json()["items"] == ask(folding, history).json()["items"][:3]
    assert ask(folding, history, k=21).status_code == 422


def test_items_that_are_not_there_are_named(folding: Running) -> None:
    known = history_of(folding, others_of(folding)[0])[0]

    answer = ask(folding, [known, "x1", "x2", "x3", "x4"])

    assert answer.status_code == 422
    assert "not in the catalogue: 'x1', 'x2', 'x3' and 1 more" in answer.json()["detail"]


def test_a_history_must_have_an_item(folding: Running) -> None:
    assert ask(folding, []).status_code == 422


def test_deployments_make_such_lists_only_if_told_to(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        made = target.deploy()
        item = target.get("/v1/items?limit=1").json()["items"]

        for base in ("/v1", f"/v1/d/{made['id']}"):
            answer = ask(target, item, base=base)
            assert answer.status_code == 404
            assert "answers_histories" in answer.json()["detail"]


def test_lists_are_counted_by_history_and_the_same_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        made = target.deploy(answers_histories=True)
        items = target.get("/v1/items?limit=3").json()["items"]
        before = ask(target, items[:2]).json()
        ask(target, items[1::-1])
        ask(target, items)

        counts = target.admin("GET", f"/{made['id']}/queries").json()

    assert (counts["total"], counts["distinct_users"], counts["repeated"]) == (3, 2, 1)
    with running(tmp_path) as target:
        assert ask(target, items[:2]).json() == before
