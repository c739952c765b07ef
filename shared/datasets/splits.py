"""The three-way division of a dataset, and the coin that makes members."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import sparse

from shared.arrays import Bools, Histories, Rows
from shared.errors import BadInput
from shared.interactions import Interactions
from shared.randomness import rng_for

_SHARES_SUM_TOLERANCE = 1e-6  # three decimal thirds, 0.333333 each, are meant to fill the whole


class Division(StrEnum):
    """What goes to one part as a whole."""

    BY_INTERACTION = "by-interaction"  # a (user, item) pair: the same person can be in all three parts
    BY_USER = "by-user"  # a user with the whole history: nobody is in two parts


@dataclass(frozen=True)
class DivisionSpec:
    """How to divide a dataset; public knowledge of the simulation.

    shares            chances of the shadow, target and item-feature part; positive, sum 1
    min_interactions  users with fewer in the shadow or target part are dropped from it; at least 1
    Raises ValueError on shares or a minimum outside these bounds.
    Source: Zhang et al. 2021, experimental setup: three disjoint parts, users with fewer than 20 dropped.
    """

    division: Division = Division.BY_INTERACTION
    seed: int = 0
    shares: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)
    min_interactions: int = 20

    def __post_init__(self) -> None:
        if min(self.shares) <= 0 or abs(sum(self.shares) - 1) > _SHARES_SUM_TOLERANCE:
            raise ValueError(f"three positive shares with sum 1 expected, found {self.shares}")
        if self.min_interactions < 1:
            raise ValueError(f"min_interactions must be at least 1, found {self.min_interactions}")


@dataclass(frozen=True)
class Parts:
    """Three parts of one dataset, disjoint in their pairs, over the same full catalogue of items.

    shadow, target  users with at least `min_interactions` in the part
    item_features   every user with at least one
    """

    shadow: Interactions
    target: Interactions
    item_features: Interactions


def divide(interactions: Interactions, spec: DivisionSpec) -> Parts:
    """Divide a dataset at random into the shadow, target and item-feature part.

    Equal interactions and an equal spec give equal parts.
    Raises BadInput if no user is left in one of the parts.
    """
    rng = rng_for(spec.seed, "division", spec.division.value)
    n_draws = interactions.n_users if spec.division is Division.BY_USER else interactions.n_interactions
    part_of = _draw_parts(n_draws, spec.shares, rng=rng)
    if spec.division is Division.BY_USER:
        part_of = np.repeat(part_of, interactions.history_lengths)
    return Parts(
        shadow=_part(interactions, part_of == 0, spec.min_interactions, "shadow"),
        target=_part(interactions, part_of == 1, spec.min_interactions, "target"),
        item_features=_part(interactions, part_of == 2, 1, "item-feature"),
    )


def draw_members(n_users: int, *, rng: np.random.Generator) -> tuple[Bools, Rows]:
    """Toss a fair coin for each user so that exactly half are members.

    returns  (n_users,) bool, True = member; and the rows of the users it counts for, ascending. Where n_users
             is odd, one user drawn at random is not among them, neither member nor non-member (False).
    Raises ValueError for fewer than 2 users.
    """
    if n_users < 2:
        raise ValueError(f"members need at least 2 users to be drawn from, found {n_users}")
    shuffled = rng.permutation(n_users)
    n_members = n_users // 2
    is_member = np.zeros(n_users, dtype=np.bool_)
    is_member[shuffled[:n_members]] = True
    return is_member, np.sort(shuffled[: 2 * n_members]).astype(np.int64)


def _draw_parts(
    n_draws: int, shares: tuple[float, float, float], *, rng: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    """(n_draws,) int8: 0, 1 or 2, with the chances given."""
    draws = rng.random(n_draws)
    return (draws >= shares[0]).astype(np.int8) + (draws >= shares[0] + shares[1]).astype(np.int8)


def _part(interactions: Interactions, keep: Bools, min_interactions: int, name: str) -> Interactions:
    histories = _masked(interactions.histories, keep)
    user_rows = np.flatnonzero(np.diff(histories.indptr) >= min_interactions)
    if not len(user_rows):
        raise BadInput(
            f"the {name} part is empty: of {interactions.n_users} users none has {min_interactions} or more "
            f"interactions in it; lower min_interactions or take a larger dataset"
        )
    return Interactions(histories, interactions.user_ids, interactions.item_ids).take_users(user_rows)


def _masked(histories: Histories, keep: Bools) -> Histories:
    """Keep some of the stored pairs, in their order."""
    kept_before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(keep)])
    starts = kept_before[histories.indptr].astype(histories.indptr.dtype)
    pairs = (histories.data[keep], histories.indices[keep], starts)
    return sparse.csr_array(pairs, shape=histories.shape)
