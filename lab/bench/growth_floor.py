"""What memory alone takes: vectors read, or read and written, at random, and nothing done with them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.bench.clock import Clock
from shared.arrays import Vectors
from shared.compiled import compiled
from shared.parallel import n_threads, run_blocks
from shared.prefetching import LINE, prefetch

_LENGTH = 100  # floats in a vector
_AHEAD = 8  # vectors
_APART = 1024  # floats between the sums of two threads, which share no cache line then
_TRIES = 3  # a floor is the least of them
_STEP, _FIRST, _SECOND = (
    np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)
_30, _27, _31, _32 = (np.uint64(bits) for bits in (30, 27, 31, 32))


def measure_floor(options: Mapping[str, Any]) -> None:
    """Touch one vector out of `items` and one out of `users` for each of `interactions`, at random.

    Any method that looks a vector up for each interaction has to do this. The touches are as many as the
    interactions; what grows faster is the time of one, as the vectors move from the caches to memory.
    """
    n = int(options["interactions"])
    tables = [np.ones((options[name], _LENGTH), dtype=np.float32) for name in ("items", "users")]
    _touch_all(_read, tables, 1)
    _touch_all(_update, tables, 1)
    clocks = [(Clock(), Clock()) for _ in range(_TRIES)]
    for reads, updates in clocks:
        with reads.part("reads"):
            _touch_all(_read, tables, n)
        with updates.part("updates"):
            _touch_all(_update, tables, n)
    figures = {
        "reads s": min(reads.seconds for reads, _ in clocks),
        "updates s": min(updates.seconds for _, updates in clocks),
    }
    clocks[0][0].tell(units=n, figures=figures)


def _touch_all(touch: Any, tables: list[Vectors], n: int) -> None:  # noqa: ANN401
    threads = n_threads()
    sums = np.zeros((threads, _APART), dtype=np.float32)[:, :_LENGTH]

    def work(start: int, stop: int) -> None:
        for table in tables:
            touch(table, start, stop, sums[start * threads // n])

    run_blocks(work, n, block=-(-n // threads))


@compiled
def _row(number: int, n_rows: int) -> int:
    """Give a row for a number, as if drawn. Source: splitmix64, Steele 2014."""
    z = np.uint64(number) * _STEP
    z = (z ^ (z >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    z ^= z >> _31
    return np.int64(((z >> _32) * np.uint64(n_rows)) >> _32)  # type: ignore[return-value]


@compiled
def _read(vectors: Vectors, start: int, stop: int, total: NDArray[np.float32]) -> None:
    for number in range(start, stop):
        ahead = _row(number + _AHEAD, len(vectors))
        for f in range(0, len(total), LINE):
            prefetch(vectors, ahead, f)
        vector = vectors[_row(number, len(vectors))]
        for f in range(len(total)):
            total[f] += vector[f]


@compiled
def _update(vectors: Vectors, start: int, stop: int, total: NDArray[np.float32]) -> None:
    for number in range(start, stop):
        ahead = _row(number + _AHEAD, len(vectors))
        for f in range(0, len(total), LINE):
            prefetch(vectors, ahead, f)
        vector = vectors[_row(number, len(vectors))]
        for f in range(len(total)):
            vector[f] += total[f]
