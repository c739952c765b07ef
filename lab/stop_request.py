"""Ctrl-C as a request: the first lets work end where nothing is lost, the second ends it at once."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """While this context is open, the first stop signal makes it true, and the second is KeyboardInterrupt.

    on_first  called when the first one comes
    A signal that is ignored from outside, as under nohup, stays ignored.
    """

    def __init__(self, on_first: Callable[[], object]) -> None:
        self._on_first = on_first
        self._number: int | None = None
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Say whether somebody asked to stop."""
        return self._number is not None

    @property
    def exit_code(self) -> int:
        """What the command ends with after a stop: 130 after Ctrl-C."""
        return 128 + (self._number or signal.SIGINT)

    def __enter__(self) -> Self:
        for number in _STOPS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._number is not None:
            raise KeyboardInterrupt
        self._number = number
        self._on_first()
