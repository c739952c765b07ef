"""Serving lists over HTTP, and asking for them."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lab.bench.peers import own_python, script
from lab.bench.runs import Contender, Goal, Outcome, Work, run_process
from lab.bench.servers import (
    K,
    Server,
    drive,
    serving,
    start_bare,
    start_target,
    two_cores,
    write_users,
)
from lab.bench.settings import Settings

_DATASET = "ml-1m"
_STARLETTE, _AIOHTTP = "bare Starlette, prebuilt bytes", "bare aiohttp"
_BATCH = 1000
_CONNECTIONS = 32
_BATCH_CONNECTIONS = 4


def serving_works(settings: Settings) -> Iterator[Work]:
    """One list of 100 a request, then 1,000 lists a request."""
    yield Work(
        key="serving-single",
        title=f"one list of {K} over HTTP, wrk -c {_CONNECTIONS}, one worker on its own core",
        unit="requests",
        open=partial(_single, settings),
        goals=[Goal("rate", _STARLETTE, least=0.8), Goal("p99 ms", _STARLETTE, most=1.5)],
    )
    yield Work(
        key="serving-batch",
        title=f"{_BATCH:,} lists of {K} a request, wrk -c {_BATCH_CONNECTIONS}, one worker on its own core",
        unit="lists",
        open=partial(_batch, settings),
        goals=[Goal("rate", least=150_000)],
    )


def querying_works(settings: Settings) -> Iterator[Work]:
    """Ask our own target for many single lists; server and client have a core each."""
    n_lists = int(settings.pick(4000, 400))
    yield Work(
        key="querying",
        title=f"asking our target for {n_lists:,} single lists of {K}, {_CONNECTIONS} at a time",
        unit="lists",
        open=partial(_querying, settings, n_lists),
        goals=[Goal("rate", _AIOHTTP, least=0.7)],
    )


@contextmanager
def _single(settings: Settings) -> Iterator[Sequence[Contender]]:
    with serving() as services:
        target, users = start_target(services, settings, dataset=_DATASET)
        file = write_users(services.folder, users, _BATCH)
        contenders = [_driven("ours", target, file, settings, is_ours=True)]
        if settings.venvs.is_allowed:
            for name, server in (
                (_STARLETTE, "bare_starlette"),
                ("FastAPI, prebuilt bytes", "fastapi_bytes"),
            ):
                contenders.append(_driven(name, start_bare(services, server), file, settings))
        yield contenders


def _driven(
    name: str, server: Server, users: Path, settings: Settings, *, is_ours: bool = False
) -> Contender:
    run = partial(
        drive,
        server,
        users,
        how="single",
        lists_per_request=1,
        connections=_CONNECTIONS,
        seconds=settings.pick(10, 1),
    )
    return Contender(name, run, is_ours)


@contextmanager
def _batch(settings: Settings) -> Iterator[Sequence[Contender]]:
    with serving() as services:
        target, users = start_target(services, settings, dataset=_DATASET)
        file = write_users(services.folder, users, _BATCH)
        run = partial(
            drive,
            target,
            file,
            how="batch",
            lists_per_request=_BATCH,
            connections=_BATCH_CONNECTIONS,
            seconds=settings.pick(10, 1),
        )
        yield [Contender("ours", run, is_ours=True)]


@contextmanager
def _querying(settings: Settings, n_lists: int) -> Iterator[Sequence[Contender]]:
    with serving() as services:
        target, users = start_target(services, settings, dataset=_DATASET)
        file = write_users(services.folder, users, n_lists)
        options = {
            "url": target.url,
            "key": target.key,
            "users": str(file),
            "k": K,
            "at_once": _CONNECTIONS,
        }
        ours = [sys.executable, "-m", "lab.bench.contender", "querying", json.dumps(options)]
        contenders = [Contender("ours", partial(_ask, settings, target, ours), is_ours=True)]
        if settings.venvs.is_allowed:
            for name, loop in ((_AIOHTTP, "asyncio"), (f"{_AIOHTTP} on uvloop", "uvloop")):
                bare = [own_python(), script("bare_aiohttp"), json.dumps(options | {"loop": loop})]
                contenders.append(Contender(name, partial(_ask, settings, target, bare)))
        yield contenders


def _ask(settings: Settings, target: Server, command: Sequence[str]) -> Outcome:
    return run_process(
        command,
        cores=two_cores().clients,
        n_threads=1,
        timeout_s=settings.timeout_s,
        servers=(target.pid,),
    )
