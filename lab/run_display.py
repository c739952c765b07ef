"""A run as it goes: live on a terminal, plain lines elsewhere."""

import time
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lab.consoles import err
from services.attacker.experiments.scheduling import Job
from services.attacker.experiments.tally import Tally, total
from shared.errors import RecLeakError

_LINE_EVERY_S = 5.0
_SHOWN_RUNNING = 6


class RunDisplay:
    """Follows a run and shows it on the standard error; a context manager.

    n_slots  jobs under way at once, for the time left
    """

    def __init__(self, n_slots: int, console: Console | None = None) -> None:
        self.tally = Tally()
        self._n_slots = n_slots
        self._console = console or err()
        self._began_at = time.monotonic()
        self._said_at = float("-inf")
        self._last_error: RecLeakError | None = None
        self._live: Live | None = None
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self.render, console=self._console, refresh_per_second=4, transient=True
            )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
        if self.tally.counts():
            self._line(self._summary())

    def noted(self, text: str) -> None:
        """Say something that counts for the figures."""
        self._line(f"note: {text}")

    def planned(self, jobs: Sequence[Job], done: Collection[str]) -> None:
        """Say how much there is."""
        self.tally.planned(jobs, done)
        self._line(f"{len(jobs)} jobs, {len(done)} of them done already; {self._n_slots} at a time")

    def began(self, job: Job) -> None:
        """Show it among those that run."""
        self.tally.began(job)

    def ended(self, job: Job) -> None:
        """Count it."""
        self.tally.ended(job)
        self._line_if_due()

    def failed(self, job: Job, error: RecLeakError) -> None:
        """Say so at once, and nothing of those that needed it: their error is the same."""
        self.tally.failed(job, error)
        if error is not self._last_error:
            self._line(f"failed: {job.label}: {error}")
        self._last_error = error

    def render(self) -> RenderableType:
        """Draw what a terminal shows."""
        counts = self.tally.counts()
        if not counts:
            return Text("reading the data", style="dim")
        table = Table.grid(padding=(0, 1))
        for kind, one in counts.items():
            bar = ProgressBar(total=max(one.total, 1), completed=one.done, width=24)
            table.add_row(kind, bar, f"{one.done}/{one.total}")
        running = self.tally.running()[:_SHOWN_RUNNING]
        left = self.tally.time_left_s(self._n_slots)
        foot = [f"elapsed {duration(time.monotonic() - self._began_at)}"]
        foot += [f"about {duration(left)} left"] if left is not None else []
        foot += [f"{self.tally.n_failed} failed"] if self.tally.n_failed else []
        lines = [Text(f"  {label}", style="dim", overflow="ellipsis", no_wrap=True) for label in running]
        return Group(table, Text(", ".join(foot)), *lines)

    def _line_if_due(self) -> None:
        now = time.monotonic()
        if self._live is None and now - self._said_at >= _LINE_EVERY_S:
            self._said_at = now
            self._line(self._summary())

    def _line(self, text: str) -> None:
        elapsed = time.monotonic() - self._began_at
        self._console.print(f"{elapsed:7.1f} s  {text}", markup=False, soft_wrap=True)

    def _summary(self) -> str:
        counts = self.tally.counts()
        whole = total(counts)
        kinds = ", ".join(f"{kind} {one.done}/{one.total}" for kind, one in counts.items())
        left = self.tally.time_left_s(self._n_slots)
        left_text = f", {duration(left)} left" if left is not None and whole.done < whole.total else ""
        failed = f", {self.tally.n_failed} failed" if self.tally.n_failed else ""
        return f"{whole.done}/{whole.total} done{failed}{left_text} ({kinds})"


def duration(seconds: float) -> str:
    """Write seconds for a reader: 45 s, 3 min 05 s, 2 h 07 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
