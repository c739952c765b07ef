"""Epochs of samples cut into blocks of users x items, so that many can be learned from at once.

Two samples can only disturb each other if they share a user or an item. Users and items are each divided into
`n_blocks`; the pairs of blocks (b, b + shift) for all b, called a stratum, share neither, so a descent may go
through them at the same time and comes out the same whatever the number of threads, or their speed. An epoch
is `n_blocks` strata, one for each shift, in random order.
Source: Gemulla, Nijkamp, Haas and Sismanis 2011, "Large-scale matrix factorization with distributed
stochastic gradient descent"; the blocks are balanced by their expected number of samples.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Histories, Rows
from shared.compiled import compiled, csr_parts
from shared.parallel import run_blocks
from shared.randomness import rng_for, seed_for
from shared.recommenders.sampling import ITEM_BITS, Samples, check_negatives, fill, shuffle


def divide(weights: NDArray[Any], n_blocks: int, *, rng: np.random.Generator) -> list[Rows]:
    """Divide rows at random into blocks of about equal weight, each in ascending order.

    weights  (n,) numbers >= 0
    """
    order = rng.permutation(len(weights)).astype(np.int64)
    sums = np.cumsum(weights[order])
    cuts = np.searchsorted(sums, sums[-1] * np.arange(1, n_blocks) / n_blocks)
    return [np.sort(block) for block in np.split(order, cuts)]


class StratifiedSampler:
    """Draws one epoch after the other as `Sampler` does, sorted into blocks.

    Raises ValueError if n_negatives > 0 and a user has every item.
    """

    def __init__(self, histories: Histories, *, n_negatives: int, n_blocks: int, seed: int) -> None:
        check_negatives(histories, n_negatives)
        self.n_blocks = n_blocks
        self._indptr, self._indices = csr_parts(histories)
        self._n_items, self._n_negatives = histories.shape[1], n_negatives
        rng = rng_for("strata", seed)
        lengths = np.diff(self._indptr)
        counts = np.bincount(self._indices, minlength=self._n_items)
        expected = counts + n_negatives * len(self._indices) / self._n_items
        self._users = divide(lengths, n_blocks, rng=rng)
        self._block_of_item = np.empty(self._n_items, dtype=np.int32)
        for block, items in enumerate(divide(expected, n_blocks, rng=rng)):
            self._block_of_item[items] = block
        sizes = [lengths[users].sum() * (1 + n_negatives) for users in self._users]
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        self._samples = np.empty(len(self._indices) * (1 + n_negatives), dtype=np.int64)
        self._bounds = np.zeros((n_blocks, n_blocks + 1), dtype=np.int64)

    def draw(self, *, seed: int) -> "Epoch":
        """Draw an epoch, valid until the next draw."""
        shifts = rng_for("shifts", seed).permutation(self.n_blocks)
        states = np.array([[seed_for("block", seed, b)] for b in range(self.n_blocks)], dtype=np.uint64)
        run_blocks(lambda first, last: self._fill(states, first, last), self.n_blocks, block=1)
        return Epoch(self._samples, self._bounds, shifts, states)

    def _fill(self, states: NDArray[np.uint64], first: int, last: int) -> None:
        for block in range(first, last):
            start, users = self._starts[block], self._users[block]
            drawn = np.empty(self._starts[block + 1] - start, dtype=np.int64)
            fill(self._indptr, self._indices, users, self._n_items, self._n_negatives, states[block], drawn)
            sort_by_block(drawn, self._block_of_item, start, self._samples, self._bounds[block])


@dataclass(frozen=True)
class Epoch:
    """The samples of an epoch by blocks; see `block_at`.

    samples  (n_samples,), see `Sampler`
    bounds   (n_blocks, n_blocks + 1) int64; users of block a with items of block b have the samples
             bounds[a, b] to bounds[a, b + 1]
    shifts   (n_blocks,) the order of the strata
    states   (n_blocks, 1) uint64, of each user block's random numbers
    """

    samples: Samples
    bounds: NDArray[np.int64]
    shifts: NDArray[np.int64]
    states: NDArray[np.uint64]

    def block_at(self, stratum: int, user_block: int) -> Samples:
        """Mix, and give, the samples of a user block in one stratum; once each, strata in their order."""
        item_block = (user_block + self.shifts[stratum]) % len(self.shifts)
        first, last = self.bounds[user_block, item_block], self.bounds[user_block, item_block + 1]
        found = self.samples[first:last]
        shuffle(found, self.states[user_block])
        return found


@compiled
def sort_by_block(
    drawn: Samples,
    block_of_item: NDArray[np.int32],
    base: int,
    samples: Samples,
    bounds: NDArray[np.int64],
) -> None:
    """Sort samples of one user block by item block into samples[base:], and note where each begins."""
    bounds[:] = 0
    for sample in drawn:
        bounds[block_of_item[(sample >> 1) & ITEM_BITS] + 1] += 1
    bounds[0] = base
    for block in range(1, len(bounds)):
        bounds[block] += bounds[block - 1]
    ends = bounds.copy()
    for sample in drawn:
        block = block_of_item[(sample >> 1) & ITEM_BITS]
        samples[ends[block]] = sample
        ends[block] += 1
