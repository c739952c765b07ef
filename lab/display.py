"""Progress for whoever waits: live bars on a terminal, plain lines elsewhere."""

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from lab.consoles import err

_LINE_EVERY_S = 5.0
_NEARLY = 0.999  # a bar that is full has ended, as Rich sees it; the step may not have


class Display(Protocol):
    """Steps that begin, go on and end; a context manager."""

    def show(self, step: str, fraction: float | None, note: str) -> None:
        """Say how far a step is; None = nobody knows."""
        ...

    def finish(self, step: str, note: str) -> None:
        """Say that a step is done."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def display() -> Display:
    """Give the display that fits the standard error."""
    console = err()
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


class LiveDisplay:
    """One bar per step."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}", table_column=Column(no_wrap=True, ratio=1)),
            console=console,
            expand=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def show(self, step: str, fraction: float | None, note: str) -> None:
        """Say how far a step is; the bar only pulses where nobody knows."""
        if step not in self._tasks:
            self._tasks[step] = self._progress.add_task(step, total=None, note="")
        total = None if fraction is None else 1.0
        completed = min(fraction or 0.0, _NEARLY)
        self._progress.update(self._tasks[step], total=total, completed=completed, note=_escaped(note))

    def finish(self, step: str, note: str) -> None:
        """Fill the bar."""
        self.show(step, None, note)
        self._progress.update(self._tasks[step], total=1.0, completed=1.0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


class PlainDisplay:
    """A line where a step begins, where it ends, and every few seconds between."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began_at = time.monotonic()
        self._said_at: dict[str, float] = {}

    def show(self, step: str, fraction: float | None, note: str) -> None:
        """Print a line, unless one was printed a moment ago."""
        now = time.monotonic()
        if now - self._said_at.get(step, now - _LINE_EVERY_S) >= _LINE_EVERY_S:
            self._said_at[step] = now
            self._line(step, note if fraction is None else f"{fraction:.0%} {note}".rstrip())

    def finish(self, step: str, note: str) -> None:
        """Print a line."""
        self._line(step, f"done{f' ({note})' if note else ''}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def _line(self, step: str, text: str) -> None:
        elapsed = time.monotonic() - self._began_at
        line = f"{elapsed:6.1f} s  {step}{f': {text}' if text else ''}"
        self._console.print(line, markup=False, soft_wrap=True)


def _escaped(note: str) -> str:
    return note.replace("[", r"\[")
