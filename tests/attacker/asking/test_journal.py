"""A single answer that arrived is never asked for again, whenever the attacker dies."""

from pathlib import Path

import pytest

from services.attacker.asking.journal import Journal
from shared.errors import StorageFailed, TargetUnreachable
from tests.attacker.asking.clients import USERS, K, PausedTime, client_of, list_of, well
from tests.attacker.asking.fake_target import Answered, Asked, fake_target


def names_of(journal: Journal) -> dict[str, list[str] | None]:
    return {user: journal.answer(user) for user in USERS if user in journal}


def test_answers_survive_a_client_that_died(tmp_path: Path) -> None:
    """The target goes away after three answers; the next client asks for the others only."""
    path, time = tmp_path / "j" / "one.jsonl", PausedTime()
    n_before = 3

    def dies(asked: Asked) -> Answered | None:
        return well(asked) if asked.number < n_before else None

    with (
        Journal(path) as journal,
        fake_target(dies) as target,
        client_of(target.url, time, journal=journal, concurrency=1, retries=0) as client,
        pytest.raises(TargetUnreachable),
    ):
        list(client.answers([(0, USERS)], k=K))
    with (
        Journal(path) as journal,
        fake_target(well) as target,
        client_of(target.url, time, journal=journal, concurrency=1) as client,
    ):
        ((_, answers),) = client.answers([(0, USERS)], k=K)

    assert len(target.asked) == len(USERS) - n_before
    found = [answers.item_ids.names_of(answers.lists.of(row)) for row in range(len(USERS))]
    assert found == [list_of(user) for user in USERS]


def test_not_found_and_the_deployment_are_remembered(tmp_path: Path) -> None:
    with Journal(tmp_path / "one") as journal:
        journal.add("a", None, deployment="d")
        journal.add("b", ["x", "\u00fc\n"], deployment="d")

    with Journal(tmp_path / "one") as again:
        assert "a" in again and again.answer("a") is None
        assert again.answer("b") == ["x", "\u00fc\n"]
        assert again.deployment == "d"


@pytest.mark.parametrize(
    "tail",
    [
        b"6:b\x00+\x00xy",
        b"6:b\x00+\x00x",
        b"6:b\x00+",
        b"6",
        b"\xff\n",
        b"nonsense",
        bytes(9),
        b"6:b\x00+\0\0\0,",
    ],
    ids=["no end", "half an item", "no item", "no length", "no text", "nonsense", "zeros", "zeros inside"],
)
def test_a_record_that_is_not_whole_is_no_answer(tmp_path: Path, tail: bytes) -> None:
    """Whatever a death left of it: its beginning, or zeros where a file system had not written yet."""
    path = tmp_path / "one"
    with Journal(path) as journal:
        journal.add("a", ["x"], deployment=None)
    path.write_bytes(path.read_bytes() + tail)

    with Journal(path) as journal:
        assert "a" in journal and "b" not in journal
        journal.add("b", ["y"], deployment=None)

    with Journal(path) as again:
        assert again.answer("a") == ["x"] and again.answer("b") == ["y"]


def test_a_cleared_journal_leaves_no_file(tmp_path: Path) -> None:
    with Journal(tmp_path / "one") as journal:
        journal.add("a", ["x"], deployment=None)
        journal.clear()
        assert "a" not in journal

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageFailed, match="journal of answers could not be opened"):
        Journal(tmp_path / "file" / "one")
