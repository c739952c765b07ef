"""Our side of many shadows at once: one training a seed, all over the same histories, on some engine."""

from collections.abc import Mapping
from contextlib import closing
from functools import cache
from typing import Any

from lab.bench.clock import Clock
from lab.bench.family import FamilyMemory
from lab.bench.matrices import Inputs
from lab.bench.ours_training import compile_all
from shared.arrays import content_hash
from shared.engine import Task, open_engine
from shared.progress import Progress
from shared.recommenders.base import Algorithm
from shared.recommenders.registry import KINDS, parse_hyperparameters

_NOTE = "memory is that of all processes together, shared pages counted once"


def many(options: Mapping[str, Any]) -> None:
    """Train shadows; options engine, workers, inputs, algorithm, hyperparameters, shadows.

    The engine starts and ends inside the measured part. Equal checksums: all models are equal.
    """
    compile_all()
    memory, clock = FamilyMemory(), Clock()
    with (
        memory.watched(),
        clock.part("train"),
        closing(open_engine(options["engine"], n_workers=options["workers"])) as engine,
    ):
        tasks: list[Task[str]] = [
            engine.submit(
                train_one, options["inputs"], options["algorithm"], options["hyperparameters"], seed
            )
            for seed in range(options["shadows"])
        ]
        digests = [task.result() for task in tasks]
    clock.before_bytes, clock.peak_bytes = memory.before_bytes, memory.peak_bytes
    checksum = sum(int(digest, 16) for digest in digests) % 2**20
    clock.tell(units=len(digests), figures={"checksum": checksum}, packages=("numba",), notes=(_NOTE,))


def train_one(
    inputs: str, algorithm: str, hyperparameters: Mapping[str, int], seed: int, *, progress: Progress
) -> str:
    """Train one shadow and give its hash."""
    kind = KINDS[Algorithm(algorithm)]
    settings = parse_hyperparameters(kind.algorithm, hyperparameters)
    model = kind.train(_inputs(inputs).histories, settings, seed=seed, progress=progress)
    return content_hash(*model.to_arrays().values())


@cache
def _inputs(path: str) -> Inputs:
    """Read the histories once in a process, whoever trains in it."""
    return Inputs.load(path)
