"""Progress on a terminal and elsewhere."""

import io

from rich.console import Console

from lab.display import Display, LiveDisplay, PlainDisplay
from lab.watching import show_events
from shared.contract.attacker import AttackEvent

EVENTS = [
    ("running", "query", 0.1, "asking [1 of 2]"),
    ("running", "query", 0.2, "asking [2 of 2]"),
    ("running", "train", 0.6, "epoch 3"),
    ("done", None, 1.0, "done"),
]


def _events(rows: list[tuple[str, str | None, float, str]] = EVENTS) -> list[AttackEvent]:
    return [
        AttackEvent.model_validate(
            {
                "id": number,
                "at": "2026-01-02T03:04:05Z",
                "state": state,
                "stage": stage,
                "progress": {"fraction": fraction, "note": note},
            }
        )
        for number, (state, stage, fraction, note) in enumerate(rows)
    ]


def _plain(text: io.StringIO) -> Display:
    return PlainDisplay(Console(file=text, width=100))


def test_elsewhere_each_step_is_a_line_where_it_begins_and_ends() -> None:
    text = io.StringIO()

    with _plain(text) as display:
        show_events(_events(), display)

    steps = [line.split(" s  ")[1].strip() for line in text.getvalue().splitlines()]
    assert steps == [
        "attack: 10%",
        "query: asking [1 of 2]",
        "query: done",
        "train: epoch 3",
        "train: done",
        "attack: done",
    ]


def test_a_stage_that_failed_is_not_called_done() -> None:
    text = io.StringIO()

    with _plain(text) as display:
        last = show_events(_events([EVENTS[0], ("failed", "query", 0.2, "failed")]), display)

    assert last is not None
    assert last.state == "failed"
    assert "done" not in text.getvalue()


def test_on_a_terminal_each_step_is_a_bar() -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=100)

    with LiveDisplay(console) as display:
        show_events(_events(), display)

    assert all(step in text.getvalue() for step in ("attack", "query", "train"))
    assert text.getvalue().count("✓") >= 3
