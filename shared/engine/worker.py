"""What runs inside a worker process of ours."""

import os
import signal
import threading
from collections.abc import MutableSequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from shared.engine.packing import limit_threads_from_here, run_packed


@dataclass(frozen=True)
class Wires:
    """What connects a worker with its parent.

    stop_flags  one per slot, set by the parent
    reports     (serial, fraction, note) go here
    life        nothing ever comes; it ends when the parent dies or wants its workers gone
    """

    stop_flags: MutableSequence[int]
    reports: "Connection[tuple[int, float, str], object]"
    life: "Connection[object, object]"


class _Worker:
    wires: Wires


def start_worker(wires: Wires) -> None:
    """Prepare a fresh process: no Ctrl-C, one thread, and an end as soon as the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _Worker.wires = wires
    limit_threads_from_here()
    threading.Thread(target=_exit_with_parent, args=(wires.life,), daemon=True).start()


def run_task(slot: int, serial: int, payload: bytes) -> bytes:
    """Run one task and pack (last report or None, result or Failure)."""
    wires = _Worker.wires
    return run_packed(
        payload,
        send=lambda fraction, note: wires.reports.send((serial, fraction, note)),
        should_stop=lambda: bool(wires.stop_flags[slot]),
    )


def _exit_with_parent(life: "Connection[object, object]") -> None:
    try:
        life.recv()
    except (EOFError, OSError):
        os._exit(1)
