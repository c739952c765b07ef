"""Services as processes of their own, in a folder of their own; at the end neither is left."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lab.signals import Signals, is_alive
from shared.errors import ServiceError, StorageFailed

_TAIL_LINES = 15
_GROUP_GONE_S = 0.5  # what is left may be a dead process that nobody asks about; its files are closed
_EVERY_S = 0.05


class ServiceDied(ServiceError):
    """A service that we started ended by itself."""


@dataclass(frozen=True)
class Service:
    """One of them.

    log        its standard output and error
    port_file  where it writes its port once it answers
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    port_file: Path


class Services:
    """Processes that end with this context, and a folder that goes with them, unless `keep` was called.

    Each leads a group (and session) of its own: Ctrl-C on the terminal reaches only us, and what a service
    started itself ends with it.

    grace_s  how long they may take to end by themselves
    """

    def __init__(self, *, grace_s: float = 8.0) -> None:
        self._grace_s = grace_s
        self._folder: Path | None = None
        self._services: list[Service] = []
        self._is_kept = False
        self._signals = Signals(self._has_lost)

    def __enter__(self) -> Self:
        self._signals.__enter__()
        with self._signals.held():
            try:
                self._folder = Path(tempfile.mkdtemp(prefix="recleak-demo-"))
            except OSError as error:
                raise StorageFailed(f"no temporary folder can be made: {error.strerror}") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._is_kept = False
        self.close()

    def close(self) -> None:
        """End everything that is not kept; nothing is left to do the second time."""
        self._signals.hold()
        try:
            if not self._is_kept:
                self._end()
        finally:
            self._signals.__exit__()

    @property
    def folder(self) -> Path:
        """The folder; only within the context."""
        assert self._folder is not None
        return self._folder

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Service:
        """Start a service; `{port_file}` in its command becomes the path where it must write its port."""
        log, port_file = self.folder / f"{name}.log", self.folder / f"{name}.port"
        filled = [part.replace("{port_file}", str(port_file)) for part in command]
        with self._signals.held(), log.open("wb") as output:
            process = subprocess.Popen(
                filled,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
            )
            service = Service(name, process, log, port_file)
            self._services.append(service)
        return service

    def port_of(self, service: Service, *, timeout_s: float) -> int:
        """Wait until a service answers and give its port.

        Raises ServiceDied with the end of its log if it ends instead; ServiceError if it takes too long.
        """
        end = time.monotonic() + timeout_s
        while not service.port_file.exists():
            self.check()
            if time.monotonic() > end:
                raise ServiceError(
                    f"the {service.name} service did not start within {timeout_s:g} s{_log_end(service)}"
                )
            time.sleep(_EVERY_S)
        return int(service.port_file.read_text())

    def check(self) -> None:
        """Raise ServiceDied, with the end of its log, if a service has ended."""
        for service in self._services:
            if (code := service.process.poll()) is not None:
                raise ServiceDied(f"the {service.name} service ended {_reason(code)}{_log_end(service)}")

    def keep(self) -> None:
        """Leave the processes and the folder after the end of the context, if that ends well."""
        self._is_kept = True

    def pids(self) -> list[int]:
        """The process ids."""
        return [service.process.pid for service in self._services]

    def logs_end(self) -> str:
        """Quote the end of each log."""
        return "".join(f"\n{service.name}{_log_end(service)}" for service in self._services)

    def _has_lost(self) -> bool:
        return any(service.process.poll() is not None for service in self._services)

    def _end(self) -> None:
        for service in self._services:
            with suppress(ProcessLookupError):
                service.process.terminate()
        end = time.monotonic() + self._grace_s
        for service in self._services:
            with suppress(subprocess.TimeoutExpired):
                service.process.wait(max(0.0, end - time.monotonic()))
        for service in self._services:
            _end_group(service.process)
        self._services.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a service, its workers included, and wait until it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    end = time.monotonic() + _GROUP_GONE_S
    while is_alive(-process.pid) and time.monotonic() < end:
        time.sleep(_EVERY_S)


def _reason(code: int) -> str:
    return f"with exit code {code}" if code >= 0 else f"by signal {signal.Signals(-code).name}"


def _log_end(service: Service) -> str:
    lines = service.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
    if not lines:
        return "; its log is empty"
    return "; its log ends:\n" + "\n".join(f"  {line}" for line in lines)
