"""How long work talks to whoever waits for it: a report outwards, a stop inwards."""

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.errors import JobStopped


def _silent(_fraction: float, _note: str) -> None:
    return None


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Progress:
    """The two callbacks that every long computation takes.

    report       called with the fraction done in [0, 1] and a few words; cheap, may be called often
    should_stop  polled at least once an epoch and a chunk
    """

    report: Callable[[float, str], None] = field(default=_silent)
    should_stop: Callable[[], bool] = field(default=_never)

    def step(self, fraction: float, note: str) -> None:
        """Report, and raise JobStopped if somebody asked to stop."""
        if self.should_stop():
            raise JobStopped(f"stopped while: {note}")
        self.report(min(max(fraction, 0.0), 1.0), note)

    def part(self, start: float, end: float) -> "Progress":
        """Give the progress of a sub-task that fills [start, end] of this one."""

        def report(fraction: float, note: str) -> None:
            self.report(start + (end - start) * fraction, note)

        return Progress(report=report, should_stop=self.should_stop)


SILENT = Progress()
