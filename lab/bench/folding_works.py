"""Lists for people whom the model was not trained on: how long one takes."""

import json
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from lab.bench.runs import Contender, Goal, Work, run_process
from lab.bench.settings import Settings
from lab.bench.training_works import half, opening


def folding_works(settings: Settings) -> Iterator[Work]:
    """Item, LFM and NCF over half of the users of ml-1m, one history at a time, on one core."""
    n_histories = int(settings.pick(1000, 20))
    for algorithm in ("item", "lfm", "ncf"):
        yield Work(
            key=f"folding-{algorithm}",
            title=f"{algorithm}, half of the users of ml-1m: lists of 100 from {n_histories:,} histories"
            " of 1 to 200 random items, one at a time, one core",
            unit="lists",
            open=opening(
                settings,
                "ml-1m",
                half,
                {"algorithm": algorithm, "epochs": 1, "histories": n_histories, "k": 100},
                [partial(_ours, settings)],
            ),
            goals=[Goal("p99 ms", most=5.0)],
        )


def _ours(settings: Settings, inputs: Path, options: Mapping[str, Any]) -> Contender:
    command = [sys.executable, "-m", "lab.bench.contender", "folding", json.dumps(options), str(inputs)]
    run = partial(run_process, command, cores=settings.cores[:1], n_threads=1, timeout_s=settings.timeout_s)
    return Contender("ours", run, is_ours=True)
