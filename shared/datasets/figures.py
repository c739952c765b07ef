"""What a dataset looks like, in a few figures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.interactions import Interactions


@dataclass(frozen=True)
class Figures:
    """Sizes and shape of a dataset.

    density             interactions / (users * items), in [0, 1]
    median_history      items per user: the median, and the mean and maximum below
    popularity_gini     inequality of the items' counts: 0 = all alike, towards 1 = a few items have all
    top_percent_share   share of the interactions on the most popular 1 % of the items (at least one item)
    """

    n_users: int
    n_items: int
    n_interactions: int
    density: float
    median_history: float
    mean_history: float
    max_history: int
    popularity_gini: float
    top_percent_share: float


def figures_of(interactions: Interactions) -> Figures:
    """Measure a dataset. Raises ValueError if it has no interaction."""
    n_interactions = interactions.n_interactions
    if not n_interactions:
        raise ValueError("figures need at least one interaction, found 0")
    lengths, counts = interactions.history_lengths, interactions.item_counts
    n_top = max(1, interactions.n_items // 100)
    return Figures(
        n_users=interactions.n_users,
        n_items=interactions.n_items,
        n_interactions=n_interactions,
        density=n_interactions / (interactions.n_users * interactions.n_items),
        median_history=float(np.median(lengths)),
        mean_history=float(lengths.mean()),
        max_history=int(lengths.max()),
        popularity_gini=gini(counts),
        top_percent_share=float(np.sort(counts)[-n_top:].sum() / n_interactions),
    )


def gini(counts: NDArray[np.integer]) -> float:
    """Give the Gini coefficient of counts: in [0, 1), 0 = all alike, towards 1 = one has all.

    counts  (n,) int, not negative, not all 0
    Raises ValueError if the sum is not positive.
    """
    total = int(counts.sum())
    if total <= 0:
        raise ValueError(f"the counts must have a positive sum, found {total}")
    ascending, n = np.sort(counts).astype(np.float64), len(counts)
    ranks = np.arange(1, n + 1)
    return float((2 * ranks - n - 1) @ ascending / (n * total))
