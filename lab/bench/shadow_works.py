"""Many shadows of one spec with different seeds: threads of one process against processes."""

import json
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from lab.bench.runs import Contender, Goal, Work, run_process
from lab.bench.settings import Settings
from lab.bench.training_works import half, opening

_SPECS: Mapping[str, Mapping[str, int]] = {"ncf": {"n_epochs": 1}, "lfm": {"n_epochs": 5}}
_PROCESSES = "processes"


def shadow_works(settings: Settings) -> Iterator[Work]:
    """NCF and LFM, 16 and 64 shadows over half of the users of ml-1m."""
    for algorithm, hyperparameters in _SPECS.items():
        for n_shadows in (16, 64):
            yield Work(
                key=f"shadows-{algorithm}-{n_shadows}",
                title=f"{n_shadows} {algorithm.upper()} shadows, {settings.n_threads} at a time, half of the "
                f"users of ml-1m, {hyperparameters['n_epochs']} epochs: models",
                unit="models",
                open=opening(
                    settings,
                    "ml-1m",
                    half,
                    {
                        "algorithm": algorithm,
                        "hyperparameters": hyperparameters,
                        "shadows": int(settings.pick(n_shadows, 2)),
                        "workers": settings.n_threads,
                    },
                    [
                        partial(_contender, settings, "threads", "threads", is_ours=True),
                        partial(_contender, settings, _PROCESSES, "process", is_ours=False),
                    ],
                ),
                goals=[Goal("rate", _PROCESSES, least=1.0), Goal("peak bytes", _PROCESSES, most=1.0)],
            )


def _contender(
    settings: Settings, name: str, engine: str, inputs: Path, options: Mapping[str, Any], *, is_ours: bool
) -> Contender:
    told = json.dumps({**options, "engine": engine, "inputs": str(inputs)})
    command = [sys.executable, "-m", "lab.bench.contender", "shadows", told]
    run = partial(
        run_process, command, cores=settings.cores, n_threads=settings.n_threads, timeout_s=settings.timeout_s
    )
    return Contender(name, run, is_ours=is_ours)
