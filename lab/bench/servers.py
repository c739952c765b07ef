"""Servers to be driven, each on a core of its own, and wrk, which drives them from another."""

import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from lab.bench.runs import Outcome, checkout, first_cores, pinned, run_command
from lab.bench.settings import Settings
from lab.processes import Service, Services
from shared.client import TargetClient
from shared.contract.target import DeploymentSpec
from shared.errors import JobFailed, RecLeakError
from shared.recommenders.base import Algorithm

K = 100
_START_S, _READY_S = 120.0, 600.0
_MANY = "1000000000"  # requests a second: the limit is checked, and not reached


@dataclass(frozen=True)
class Server:
    """A server that answers.

    key  its API key; the bare servers look at none
    """

    url: str
    pid: int
    key: str

    @property
    def peak_bytes(self) -> int:
        """The most memory it has had; 0 where nobody can say."""
        status = Path(f"/proc/{self.pid}/status")
        if not status.exists():
            return 0
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) * 1024


@dataclass(frozen=True)
class Cores:
    """Where the server and where its clients run; the same if there is one core only."""

    server: tuple[int, ...]
    clients: tuple[int, ...]


def two_cores() -> Cores:
    """Give a core to the server and another to whoever drives it."""
    found = first_cores(2)
    return Cores(found[:1], found[-1:])


@contextmanager
def serving() -> Iterator[Services]:
    """Give a context for servers; whatever they raise becomes JobFailed."""
    try:
        with Services() as services:
            yield services
    except JobFailed:
        raise
    except RecLeakError as error:
        raise JobFailed(str(error)) from error


def start_target(services: Services, settings: Settings, *, dataset: str) -> tuple[Server, tuple[str, ...]]:
    """Start our target with Item on a dataset; key, rate limit and query counts are on.

    returns  the server, and the ids of its users
    """
    key = secrets.token_hex(16)
    spec = DeploymentSpec(
        dataset=settings.source(dataset), algorithm=Algorithm.ITEM, k_cap=K, seed=0, membership_seed=0
    )
    environment = {
        "RECLEAK_TARGET_API_KEY": key,
        "RECLEAK_TARGET_RATE_LIMIT": _MANY,
        "RECLEAK_TARGET_MEASURE_QUALITY": "false",
        "RECLEAK_TARGET_DEPLOY": spec.model_dump_json(),
        "RECLEAK_DATA_DIR": str(settings.data_dir),
    }
    place = ["--host", "127.0.0.1", "--port", "0", "--data", str(services.folder / "target")]
    command = [sys.executable, "-P", "-m", "lab", "serve", "target", *place, "--port-file", "{port_file}"]
    server = _start(services, "target", command, environment, key)
    with TargetClient(server.url, api_key=key) as client:
        client.wait_ready(_READY_S)
        return server, tuple(client.users())


def start_bare(services: Services, name: str) -> Server:
    """Start one of the servers in benchmarks/servers."""
    path = checkout() / "benchmarks" / "servers" / f"{name}.py"
    return _start(services, name, [sys.executable, str(path), "{port_file}", str(K)], {}, "")


def _start(
    services: Services, name: str, command: Sequence[str], environment: dict[str, str], key: str
) -> Server:
    kept = {variable: value for variable, value in os.environ.items() if not variable.startswith("RECLEAK_")}
    kept["PYTHONPATH"] = str(checkout())
    with pinned(two_cores().server):
        service: Service = services.start(name, command, kept | environment)
    port = services.port_of(service, timeout_s=_START_S)
    return Server(f"http://127.0.0.1:{port}", service.process.pid, key)


def write_users(folder: Path, users: Sequence[str], n: int) -> Path:
    """Write n user ids, one a line, from the beginning again where there are fewer."""
    path = folder / f"users-{n}.txt"
    path.write_text("\n".join(islice(cycle(users), n)) + "\n", encoding="utf-8")
    return path


def drive(
    server: Server, users: Path, *, how: str, lists_per_request: int, connections: int, seconds: float
) -> Outcome:
    """Let wrk ask for lists; `how` is "single" or "batch". Raises JobFailed if any answer was not 200."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise JobFailed("wrk is not installed (Debian: apt-get install wrk)")
    script = checkout() / "benchmarks" / "wrk" / "lists.lua"
    command = [wrk, "-t", "1", "-c", str(connections), "-d", f"{seconds:.0f}s", "-s", str(script)]
    command += ["-H", f"X-API-Key: {server.key}", server.url, "--", how, str(users), str(K)]
    output, others = run_command(
        command, cores=two_cores().clients, n_threads=1, timeout_s=seconds + 60, servers=(server.pid,)
    )
    found = json.loads(output.strip().splitlines()[-1])
    if found["errors"] or not found["requests"]:
        raise JobFailed(f"{found['errors']} of {found['requests']} requests failed")
    return Outcome(
        seconds=found["microseconds"] / 1e6,
        units=found["requests"] * lists_per_request,
        peak_bytes=server.peak_bytes,
        figures={"p50 ms": found["p50"] / 1e3, "p99 ms": found["p99"] / 1e3},
        others_share=others,
    )
