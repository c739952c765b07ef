"""The paper's defense: strangers get a random draw from a larger pool of popular items."""

import numpy as np

from shared.arrays import Rows
from shared.ranked_lists import RankedLists


def randomized_popular_lists(
    ranking: Rows, *, n_users: int, pool: int, k: int, rng: np.random.Generator
) -> RankedLists:
    """Give each stranger k items drawn without replacement from the `pool` most popular ones.

    ranking  (n_items,) item rows, most popular first
    pool     how many of them to draw from; a pool of k gives everybody the same items in another order
    returns  n_users lists of min(k, pool, n_items) items in random order
    Raises ValueError if k < 1 or pool < k.
    Source: Zhang et al. 2021, section 4 (Popularity Randomization); in the published data 100 of 1,000.
    """
    if not 1 <= k <= pool:
        raise ValueError(f"1 <= k <= pool expected, found k = {k} and a pool of {pool}")
    candidates = np.asarray(ranking[:pool])
    # the k smallest of random keys are a draw without replacement, in random order
    keys = rng.random((n_users, len(candidates)), dtype=np.float32)
    length = min(k, len(candidates))
    drawn = np.argpartition(keys, length - 1, axis=1)[:, :length]
    order = np.argsort(np.take_along_axis(keys, drawn, axis=1), axis=1)
    return RankedLists.full(candidates[np.take_along_axis(drawn, order, axis=1)])
