"""Worlds with a known answer, to show what the attack gives where it must succeed."""

import numpy as np
from numpy.typing import NDArray

from services.attacker.attack.baselines import AnsweredUsers
from shared.arrays import Bools, Histories
from shared.ranked_lists import RankedLists


def built_to_leak(
    histories: Histories, is_member: Bools, popular: NDArray[np.integer], *, k: int, rng: np.random.Generator
) -> AnsweredUsers:
    """Answer as a recommender would that hands members' histories back to them.

    histories  (n_users, n_items) csr, of users whose membership the attacker decides
    is_member  (n_users,) bool
    popular    (k,) item rows that all others get, best first
    returns    members: up to k items of their own history in random order; others: `popular`
    """
    lists = [
        rng.permutation(histories.indices[start:end])[:k] if one_is_member else popular
        for start, end, one_is_member in zip(
            histories.indptr[:-1], histories.indptr[1:], is_member, strict=True
        )
    ]
    is_absent = np.zeros(len(is_member), dtype=np.bool_)
    return AnsweredUsers(histories, RankedLists.from_ragged(lists, k=k), is_absent)
