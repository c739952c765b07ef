"""Both services as a user starts them: `recleak serve`, on free ports, with logs that a test can read."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from shared.client.waiting import Clock, wait_for

ROOT = Path(__file__).resolve().parents[2]
ADMIN, ORACLE = "admin-key-of-a-test", "oracle-key-of-a-test"
KEYS = {
    "RECLEAK_TARGET_ADMIN_KEY": ADMIN,
    "RECLEAK_TARGET_ORACLE_KEY": ORACLE,
    "RECLEAK_ORACLE_KEY": ORACLE,
}
LIMIT_S = 120
_EVERY_S = 0.02


@dataclass(frozen=True)
class Service:
    """A service that answers."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """End it without mercy, as `kill -9` does."""
        self.process.kill()
        self.process.wait()


def environment(**extra: str) -> dict[str, str]:
    """What a process of ours sees: no settings from outside, and this checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECLEAK_")}
    return {**kept, "PYTHONPATH": str(ROOT), **extra}


def recleak(*args: str) -> list[str]:
    """Spell a command line."""
    return [sys.executable, "-m", "lab", *args]


def recleak_once(folder: Path, *args: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command that ends by itself."""
    return subprocess.run(
        recleak(*args),
        env=environment(**settings),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )


def until(found: Callable[[], object], *, what: str, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until a function gives something true; fail at once if a process ends meanwhile."""

    def look() -> bool | None:
        assert process is None or process.poll() is None, f"a service ended before {what}"
        return True if found() else None

    wait_for(look, what=what, timeout_s=LIMIT_S, every_s=_EVERY_S, clock=Clock())


@contextmanager
def serving(kind: str, folder: Path, *, wrapper: Sequence[str] = (), **settings: str) -> Iterator[Service]:
    """Run a service on its part of a folder; what it left there before is taken up again.

    wrapper  what its command line is handed to
    """
    port_file, log = folder / f"{kind}.port", folder / f"{kind}.log"
    port_file.unlink(missing_ok=True)
    place = ["--port", "0", "--port-file", str(port_file), "--data", str(folder / kind)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*wrapper, *recleak("serve", kind, *place)],
            env=environment(**KEYS, **settings),
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        until(port_file.exists, what=f"the {kind} answers", process=process)
        yield Service(f"http://127.0.0.1:{int(port_file.read_text())}", process, log)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        end_group(process)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a process that leads a group, its workers included."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
