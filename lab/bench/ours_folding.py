"""Our side of lists from histories alone: one request after the other, each timed."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lab.bench.clock import Clock
from lab.bench.matrices import Inputs
from lab.bench.ours_training import compile_all, train
from shared.arrays import Histories
from shared.interactions import binary_matrix
from shared.randomness import rng_for
from shared.recommenders.base import Algorithm, Hyperparameters, Recommender
from shared.recommenders.lfm_training import LfmSettings
from shared.recommenders.ncf import NcfSettings
from shared.recommenders.registry import KINDS

_LENGTHS = (1, 200)  # items in a history, at least and at most


def one_by_one(inputs: Inputs, options: Mapping[str, Any]) -> None:
    """Train, then fold in random histories; options algorithm, epochs, histories, k.

    A history has 1 to 200 items, drawn like interactions: popular ones more often.
    """
    compile_all()
    algorithm = Algorithm(options["algorithm"])
    settings = KINDS[algorithm].hyperparameters()
    model = train(algorithm, inputs.histories, _short(settings, options["epochs"]), seed=0)
    asked = random_histories(inputs.histories, options["histories"])
    model.fold_in(asked[[0]], k=options["k"])  # what is made once, and not by the first to ask
    clock = Clock()
    with clock.part("lists"):
        seconds = _seconds(model, asked, options["k"])
    (p50, p99), (_, p99_of_processor) = np.percentile(seconds, [50, 99], axis=0).T * 1e3
    figures = {"p50 ms": p50, "p99 ms": p99, "p99 ms of processor": p99_of_processor}
    clock.tell(
        units=len(seconds),
        figures={name: float(value) for name, value in figures.items()},
        packages=("numba",),
    )


def random_histories(histories: Histories, n: int) -> Histories:
    """Draw n histories of 1 to 200 items from all interactions."""
    rng = rng_for("bench", "histories")
    lengths = rng.integers(_LENGTHS[0], _LENGTHS[1] + 1, size=n)
    items = rng.choice(histories.indices, size=int(lengths.sum()))
    return binary_matrix(np.repeat(np.arange(n), lengths), items, (n, histories.shape[1]))


def _seconds(model: Recommender, asked: Histories, k: int) -> list[tuple[float, float]]:
    """Give the seconds of each list, and those of them that were not somebody else's."""
    found = []
    for row in range(asked.shape[0]):
        history = asked[[row]]
        began, busy = time.perf_counter(), time.thread_time()
        model.fold_in(history, k=k)
        found.append((time.perf_counter() - began, time.thread_time() - busy))
    return found


def _short(settings: Hyperparameters, n_epochs: int) -> Hyperparameters:
    """Train as long as it takes to have vectors: how long matters for the lists and not for their time."""
    return (
        replace(settings, n_epochs=n_epochs) if isinstance(settings, LfmSettings | NcfSettings) else settings
    )
