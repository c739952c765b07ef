"""Training samples for implicit feedback: every interaction, and items drawn from what the user lacks."""

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Histories, Rows
from shared.compiled import compiled, csr_parts

Samples = NDArray[np.int64]  # user_row << 33 | item_row << 1 | label: one number, so that one swap moves it

ITEM_BITS = 0xFFFFFFFF
_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_FIRST_FACTOR, _SECOND_FACTOR = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_27, _30, _31, _32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)


class Sampler:
    """Draws one epoch after the other, into the same memory.

    Each epoch has every interaction once (label 1) and for each of them `n_negatives` items (label 0) drawn
    evenly, with repeats, from the items outside the user's history; all in random order.
    Raises ValueError if n_negatives > 0 and a user has every item, for there is nothing to draw.
    """

    def __init__(self, histories: Histories, *, n_negatives: int) -> None:
        check_negatives(histories, n_negatives)
        self._indptr, self._indices = csr_parts(histories)
        self._n_items = histories.shape[1]
        self._n_negatives = n_negatives
        self._samples = np.empty(len(self._indices) * (1 + n_negatives), dtype=np.int64)

    @property
    def n_samples(self) -> int:
        """How many samples an epoch has."""
        return len(self._samples)

    def draw(self, *, seed: int) -> Samples:
        """Draw an epoch: (n_interactions * (1 + n_negatives),), valid until the next draw."""
        state = np.array([seed], dtype=np.uint64)
        users = np.arange(len(self._indptr) - 1)
        fill(self._indptr, self._indices, users, self._n_items, self._n_negatives, state, self._samples)
        shuffle(self._samples, state)
        return self._samples


def check_negatives(histories: Histories, n_negatives: int) -> None:
    """Raise ValueError if n_negatives > 0 and a user has every item, for there is nothing to draw."""
    n_items = histories.shape[1]
    has_all = np.flatnonzero(np.diff(histories.indptr) == n_items)
    if n_negatives > 0 and len(has_all):
        raise ValueError(
            f"user row {has_all[0]} has all {n_items} items, so that no negative can be drawn; "
            "leave such users out"
        )


def unpack(samples: Samples) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Give user rows, item rows and labels (0 or 1) of samples."""
    return samples >> 33, (samples >> 1) & ITEM_BITS, samples & 1


@compiled
def _below(state: NDArray[np.uint64], n: int) -> int:
    """Draw from 0, ..., n - 1, n < 2**32; uneven by at most n / 2**32. Source: splitmix64, Steele 2014."""
    state[0] += _INCREMENT
    z = state[0]
    z = (z ^ (z >> _30)) * _FIRST_FACTOR
    z = (z ^ (z >> _27)) * _SECOND_FACTOR
    z ^= z >> _31
    return np.int64(((z >> _32) * np.uint64(n)) >> _32)  # type: ignore[return-value]


@compiled
def fill(  # noqa: PLR0917 - compiled loops take arrays by position
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    users: Rows,
    n_items: int,
    n_negatives: int,
    state: NDArray[np.uint64],
    samples: Samples,
) -> None:
    """Fill samples with those of some users, one after the other.

    state  (1,) of the random numbers, moved on
    """
    is_own = np.zeros(n_items, np.bool_)
    lacking = np.empty(n_items, np.int32)
    n = 0
    for user in users:
        own = indices[indptr[user] : indptr[user + 1]]
        is_own[own] = True
        n_lacking = 0
        if 2 * len(own) > n_items:  # drawing again until it is lacking would take long
            for item in range(n_items):
                if not is_own[item]:
                    lacking[n_lacking] = item
                    n_lacking += 1
        for positive in own:
            samples[n] = (user << 33) | (np.int64(positive) << 1) | 1
            n += 1
            for _ in range(n_negatives):
                if n_lacking > 0:
                    item = int(lacking[_below(state, n_lacking)])
                else:
                    item = _below(state, n_items)
                    while is_own[item]:
                        item = _below(state, n_items)
                samples[n] = (user << 33) | (np.int64(item) << 1)
                n += 1
        is_own[own] = False


@compiled
def shuffle(samples: Samples, state: NDArray[np.uint64]) -> None:
    """Put samples into random order; moves the state on."""
    for last in range(len(samples) - 1, 0, -1):
        other = _below(state, last + 1)
        samples[last], samples[other] = samples[other], samples[last]
