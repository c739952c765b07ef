"""Compiled loops: machine code is kept on disk where that is possible, and made anew where it is not."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shared.arrays import Histories

Function = TypeVar("Function", bound=Callable[..., object])

# Sums may be reordered, which lets the compiler use vector instructions; NaN and infinity keep their meaning,
# so that a diverged model is seen.
_REORDERED = {"reassoc", "contract", "nsz", "arcp"}


def compiled(function: Function) -> Function:
    """Compile a loop, arithmetic exactly as written."""
    return _compile(function, fastmath=False)


def compiled_fast(function: Function) -> Function:
    """Compile a loop whose floating point sums may be reordered; same machine, same bits."""
    return _compile(function, fastmath=_REORDERED)


def csr_parts(histories: Histories) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Give the two index arrays of histories in the types that compiled loops expect, to be read only.

    returns  indptr (n_users + 1,) int64, indices (n_interactions,) int32, sorted within a row; the histories'
             own array where it will do: a copy of 100 million for each block of users took half of the time
    """
    # "W" because a loop that is given a read-only array is compiled again for it
    indices = np.require(np.asarray(histories.indices), dtype=np.int32, requirements=["C", "W"])
    return histories.indptr.astype(np.int64), indices


def _compile(function: Function, *, fastmath: bool | set[str]) -> Function:
    # The check for division by zero that Python's error model makes keeps loops from being vectorized. Loops
    # whose sums may be reordered are compiled into their callers: linked, they would be optimized around a
    # callee that is fresh but not around one from the disk, and a first run would give other bits.
    inline = "always" if fastmath else "never"
    compile_it = partial(njit, nogil=True, fastmath=fastmath, error_model="numpy", inline=inline)
    try:
        return compile_it(cache=True)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # no folder to cache in: a read-only install without NUMBA_CACHE_DIR
        return compile_it()(function)  # type: ignore[no-any-return]
