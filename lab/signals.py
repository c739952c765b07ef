"""Signals as exceptions, each at a moment that can bear it, so that cleaning up is never cut short."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody asked the command to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class ChildEnded(BaseException):
    """A process that we started has ended."""


class Signals:
    """While this context is open, a stop signal raises Interrupted in the main thread, once.

    has_lost  asked whenever a child process changes; True raises ChildEnded
    After the first exception no other is raised, so that what is cleaned up then is cleaned up whole.
    A signal that is ignored from outside, as under nohup, stays ignored.
    """

    def __init__(self, has_lost: Callable[[], bool]) -> None:
        self._has_lost = has_lost
        self._before: dict[int, Any] = {}
        self._is_held = False
        self._pending: BaseException | None = None

    def __enter__(self) -> Self:
        for number in (*_STOPS, signal.SIGCHLD):
            if number in _STOPS and signal.getsignal(number) is signal.SIG_IGN:
                continue
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nothing interrupt the block; what came meanwhile is raised behind it."""
        if self._is_held:
            yield
            return
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        if self._pending is not None:
            self._raise(self._pending)

    def hold(self) -> None:
        """Let nothing interrupt what follows."""
        self._is_held = True

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGCHLD:
            if self._has_lost():
                self._raise(ChildEnded())
        else:
            self._raise(Interrupted(number))

    def _raise(self, what: BaseException) -> None:
        if self._is_held:
            # a stop counts for more: the child may have ended by the same signal
            if self._pending is None or isinstance(what, Interrupted):
                self._pending = what
            return
        self._is_held = True
        raise what


def is_alive(pid: int) -> bool:
    """Say whether a process or a group (as a negative number) is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
