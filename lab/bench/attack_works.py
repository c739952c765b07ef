"""The attack's heavy parts against what one would write down plainly."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from lab.bench.peers import own_python, script
from lab.bench.runs import Contender, Outcome, Work, run_process
from lab.bench.settings import Settings
from shared.errors import JobFailed


def attack_works(settings: Settings) -> Iterator[Work]:
    """Give user features, the AUC's interval, and shuffled labels."""
    n_users = int(settings.pick(1_000_000, 2_000))
    n_scores = int(settings.pick(100_000, 2_000))
    yield _work(
        settings,
        "attack-features",
        f"features of {n_users:,} users, k = 100, l = 100",
        "users",
        options={
            "users": n_users,
            "items": int(settings.pick(20_000, 2_000)),
            "history": 50,
            "k": 100,
            "length": 100,
            "seed": 0,
        },
        peer="numpy, gathered blocks",
    )
    yield _work(
        settings,
        "attack-intervals",
        f"AUC and its interval, {n_scores:,} scores",
        "intervals",
        options={"users": n_scores, "resamples": int(settings.pick(100, 5)), "seed": 0},
        peer="scikit-learn, 1,000 bootstrap sorts",
    )
    yield _work(
        settings,
        "attack-shuffles",
        f"AUC under shuffled labels, {n_scores:,} scores",
        "shuffles",
        options={"users": n_scores, "shuffles": int(settings.pick(200, 5)), "seed": 0},
        peer="scikit-learn, a sort each",
    )


def _work(
    settings: Settings, key: str, title: str, unit: str, *, options: Mapping[str, Any], peer: str
) -> Work:
    what = key.removeprefix("attack-")

    @contextmanager
    def opened() -> Iterator[Sequence[Contender]]:
        command = [sys.executable, "-m", "lab.bench.contender", what, json.dumps(options)]
        yield [
            Contender("ours", partial(_run, settings, command), is_ours=True),
            Contender(peer, partial(_run_peer, settings, what, options)),
        ]

    return Work(key, title, unit, opened)


def _run_peer(settings: Settings, what: str, options: Mapping[str, Any]) -> Outcome:
    if not settings.venvs.is_allowed:
        raise JobFailed("peers are left out (--no-peers)")
    return _run(settings, [own_python(), script("plain_attack"), what, json.dumps(options)])


def _run(settings: Settings, command: Sequence[str]) -> Outcome:
    return run_process(
        command, cores=settings.cores, n_threads=settings.n_threads, timeout_s=settings.timeout_s
    )
