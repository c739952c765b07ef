"""What one core of this machine can do at most, measured: the roof that a computation is seen against."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

_SIDE = 1024  # of the matrices that are multiplied: 2 * 1024^3 operations, 30 ms
_COPIED = 256 * 2**20  # bytes, more than caches hold
_TRIES = 5


@dataclass(frozen=True)
class Roof:
    """The most that one core does in a second.

    flops  additions and multiplications of float32, by the product of matrices of an optimized library
    bytes  read and written to memory, by a copy of more than the caches hold
    """

    flops: float
    bytes: float


def measure() -> Roof:
    """Measure on one thread, half a second; the best of five tries."""
    factor = np.ones((_SIDE, _SIDE), dtype=np.float32)
    source = np.ones(_COPIED, dtype=np.uint8)
    product, copy = np.empty_like(factor), np.empty_like(source)
    with threadpool_limits(limits=1):
        product_s = _best(lambda: np.matmul(factor, factor, out=product))
    copy_s = _best(lambda: np.copyto(copy, source))
    return Roof(flops=2 * _SIDE**3 / product_s, bytes=2 * _COPIED / copy_s)


def _best(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(_TRIES):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best
