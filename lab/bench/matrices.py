"""The inputs of a benchmark as one file, and HR@k by one rule for all; the peers' processes use it too."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_BLOCK = 256  # users scored at a time

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Inputs:
    """What all contenders of a work are given.

    histories  (n_users, n_items) csr float32, 1.0 = interacted
    users, items  (n,) rows of pairs that were held out of the histories; empty if none were
    """

    histories: "sparse.csr_array[np.float32]"
    users: Rows
    items: Rows

    def save(self, path: Path) -> None:
        """Write all to an npz file."""
        histories = self.histories
        np.savez(
            path,
            indptr=histories.indptr,
            indices=histories.indices,
            shape=np.array(histories.shape),
            users=self.users,
            items=self.items,
        )

    @staticmethod
    def load(path: str | Path) -> "Inputs":
        """Read what `save` wrote."""
        with np.load(path) as stored:
            ones = np.ones(len(stored["indices"]), dtype=np.float32)
            shape = (int(stored["shape"][0]), int(stored["shape"][1]))
            histories = sparse.csr_array((ones, stored["indices"], stored["indptr"]), shape=shape)
            return Inputs(histories, stored["users"], stored["items"])

    def pairs(self) -> tuple[Rows, Rows]:
        """Give all interactions as user rows and item rows."""
        users = np.repeat(np.arange(self.histories.shape[0]), np.diff(self.histories.indptr))
        return users.astype(np.int64), self.histories.indices.astype(np.int64)


def hit_rate(inputs: Inputs, scores_of: Callable[[Rows], NDArray[np.floating]], *, k: int) -> float:
    """Share of the held-out items among the user's k best, by the full ranking, history left out.

    scores_of  user rows to (n, n_items); larger = better
    A tie at the k-th place counts against the item.
    """
    n_hits = 0
    for start in range(0, len(inputs.users), _BLOCK):
        users, items = inputs.users[start : start + _BLOCK], inputs.items[start : start + _BLOCK]
        scores = np.array(scores_of(users))
        own = inputs.histories[users]
        scores[np.repeat(np.arange(len(users)), np.diff(own.indptr)), own.indices] = -np.inf
        held = scores[np.arange(len(users)), items]
        n_hits += int(((scores >= held[:, None]).sum(axis=1) <= k).sum())
    return n_hits / len(inputs.users)


def cross_entropy(inputs: Inputs, logits_of: Callable[[Rows, Rows], NDArray[np.floating]]) -> float:
    """Mean binary cross entropy over all interactions and four negatives each, the same for whoever asks.

    logits_of  user rows and item rows, both sorted by user, to (n,) logits
    """
    others = negatives(inputs, per_positive=4, rng=np.random.default_rng(0))
    liked, lacking = logits_of(*inputs.pairs()), logits_of(*others)
    total = np.logaddexp(0.0, -liked.astype(np.float64)).sum() + np.logaddexp(0.0, lacking).sum()
    return float(total / (len(liked) + len(lacking)))


def negatives(inputs: Inputs, *, per_positive: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Draw items that a user lacks, for peers that do not draw themselves: user rows and item rows."""
    n_items = inputs.histories.shape[1]
    users = np.repeat(inputs.pairs()[0], per_positive)
    known = np.sort(inputs.pairs()[0] * n_items + inputs.pairs()[1])
    items = rng.integers(n_items, size=len(users))
    while len(again := np.flatnonzero(_is_in(users * n_items + items, known))):
        items[again] = rng.integers(n_items, size=len(again))
    return users, items


def _is_in(keys: Rows, known: Rows) -> NDArray[np.bool_]:
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    found: NDArray[np.bool_] = known[places] == keys
    return found
