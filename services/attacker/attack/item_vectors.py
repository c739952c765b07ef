"""Item vectors: what the attacker knows about items, learned from data that no recommender saw."""

from dataclasses import dataclass, replace

import numpy as np

from shared.arrays import Bools, Histories, Vectors
from shared.progress import Progress
from shared.recommenders.lfm import LfmSettings, factorize


@dataclass(frozen=True)
class ItemVectors:
    """A vector for every item of a catalogue.

    vectors     (n_items, l) float32; zero where nothing is known
    is_covered  (n_items,) bool: somebody interacted with the item in the item-feature part
    """

    vectors: Vectors
    is_covered: Bools


def learn_item_vectors(histories: Histories, *, length: int, seed: int, progress: Progress) -> ItemVectors:
    """Factorize the item-feature part and keep the item side.

    histories  (n_users, n_items) the item-feature part over the whole catalogue
    length     l, the number of factors
    returns    vectors (n_items, length); items without an interaction are zero, not their random start
    Source: Zhang et al. 2021, section 3 (matrix factorization of a third, disjoint part). The paper gives
    no settings for this factorization; we use those it gives for LFM.
    """
    settings = replace(LfmSettings(), n_factors=length)
    _, item_factors = factorize(histories, settings, seed=seed, progress=progress)
    is_covered = np.bincount(histories.indices, minlength=histories.shape[1]) > 0
    return ItemVectors(np.where(is_covered[:, None], item_factors, np.float32(0)), is_covered)
