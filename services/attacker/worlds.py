"""What the attacker makes out of public data: item knowledge, a shadow, the histories of the judged users.

Every function runs in a worker: it reads data set files, touches nothing else, and gives arrays.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.attacker.attack.baselines import AnsweredUsers
from services.attacker.attack.item_vectors import learn_item_vectors
from shared.arrays import Bools, Histories, Vectors
from shared.attacks import Factorization
from shared.datasets.registry import load
from shared.datasets.splits import DivisionSpec, Parts, divide, draw_members
from shared.interactions import Ids, Interactions
from shared.progress import Progress
from shared.randomness import rng_for, seed_for
from shared.ranked_lists import RankedLists
from shared.recommenders.base import Algorithm
from shared.recommenders.registry import parse_hyperparameters
from shared.recommenders.served import ColdStart, train_and_serve

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class PublicData:
    """A data set and its public three-way division."""

    dataset: str
    split: DivisionSpec
    data_dir: Path | None

    def parts(self, progress: Progress) -> Parts:
        """Load and divide."""
        progress.step(0.0, f"loading {self.dataset}")
        interactions, _ = load(self.dataset, data_dir=self.data_dir, progress=progress)
        return divide(interactions, self.split)


@dataclass(frozen=True)
class ItemKnowledge:
    """What the item-feature part tells about the items of a catalogue.

    item_ids     names of the rows
    vectors      (n_items, l) float32, zero where nothing is known
    is_covered   (n_items,) bool
    item_counts  (n_items,) int64, users per item in that part
    """

    item_ids: Ids
    vectors: Vectors
    is_covered: Bools
    item_counts: NDArray[np.int64]

    def extended(self, names: Iterable[str]) -> "ItemKnowledge":
        """Add items of which nothing is known: zero vector, not covered, never counted."""
        new = tuple(name for name in dict.fromkeys(names) if name not in self.item_ids)
        if not new:
            return self
        nothing = np.zeros((len(new), self.vectors.shape[1]), dtype=np.float32)
        return ItemKnowledge(
            Ids(self.item_ids.names + new),
            np.concatenate([self.vectors, nothing]),
            np.append(self.is_covered, np.zeros(len(new), dtype=np.bool_)),
            np.append(self.item_counts, np.zeros(len(new), dtype=np.int64)),
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Pack for storage."""
        return {
            "item_ids": self.item_ids.to_array(),
            "vectors": self.vectors,
            "is_covered": self.is_covered,
            "item_counts": self.item_counts,
        }

    @staticmethod
    def from_arrays(arrays: Arrays) -> "ItemKnowledge":
        """Unpack what `to_arrays` packed."""
        return ItemKnowledge(
            Ids.from_array(arrays["item_ids"]), arrays["vectors"], arrays["is_covered"], arrays["item_counts"]
        )


@dataclass(frozen=True)
class Shadow:
    """Shadow users, what their recommender answered, and who was trained on: the attacker made it all."""

    users: AnsweredUsers
    is_member: Bools

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Pack for storage."""
        return pack_answered(self.users) | {"is_member": self.is_member}

    @staticmethod
    def from_arrays(arrays: Arrays) -> "Shadow":
        """Unpack what `to_arrays` packed."""
        return Shadow(unpack_answered(arrays), arrays["is_member"])


@dataclass(frozen=True)
class ShadowPlan:
    """All that a shadow depends on."""

    data: PublicData
    algorithm: Algorithm
    hyperparameters: Mapping[str, int | float | None]
    cold_start: ColdStart
    k: int
    seed: int


def learn_items(
    data: PublicData, *, length: int, factorization: Factorization, seed: int, progress: Progress
) -> ItemKnowledge:
    """Learn item vectors of `length` from the item-feature part."""
    part = data.parts(progress.part(0.0, 0.3)).item_features
    found = learn_item_vectors(
        part.histories,
        length=length,
        factorization=factorization,
        seed=seed_for(seed, "item vectors"),
        progress=progress.part(0.3, 1.0),
    )
    return ItemKnowledge(part.item_ids, found.vectors, found.is_covered, part.item_counts)


def build_shadow(plan: ShadowPlan, *, progress: Progress) -> Shadow:
    """Train a recommender on half of the shadow part's users and let it answer all of them."""
    part = plan.data.parts(progress.part(0.0, 0.2)).shadow
    everyone, kept = draw_members(part.n_users, rng=rng_for(plan.seed, "shadow", "membership"))
    histories, is_member = part.histories[kept], everyone[kept]
    _, served = train_and_serve(
        histories,
        is_member,
        algorithm=plan.algorithm,
        settings=parse_hyperparameters(plan.algorithm, plan.hyperparameters),
        k=plan.k,
        cold_start=plan.cold_start,
        seed=seed_for(plan.seed, "shadow", "training"),
        progress=progress.part(0.2, 1.0),
    )
    return Shadow(AnsweredUsers(histories, served.lists, served.is_absent), is_member)


def judged_from_dataset(
    data: PublicData, *, limit: int | None, seed: int, progress: Progress
) -> Interactions:
    """Give the histories of the target part's users, or of `limit` of them drawn at random."""
    return drawn_users(data.parts(progress).target, limit=limit, seed=seed)


def drawn_users(part: Interactions, *, limit: int | None, seed: int) -> Interactions:
    """Give all users of a part, or `limit` of them drawn at random, in the part's order."""
    if limit is None or limit >= part.n_users:
        return part
    drawn = rng_for(seed, "judged users").choice(part.n_users, size=limit, replace=False)
    return part.take_users(np.sort(drawn))


def pack_histories(histories: Histories) -> dict[str, NDArray[Any]]:
    """Pack histories for storage."""
    return {
        "indptr": histories.indptr,
        "indices": histories.indices,
        "shape": np.array(histories.shape, dtype=np.int64),
    }


def unpack_histories(arrays: Arrays) -> Histories:
    """Unpack what `pack_histories` packed."""
    indices = np.asarray(arrays["indices"])
    n_users, n_items = arrays["shape"].tolist()
    ones = np.ones(len(indices), dtype=np.float32)
    return sparse.csr_array((ones, indices, np.asarray(arrays["indptr"])), shape=(n_users, n_items))


def pack_answered(users: AnsweredUsers) -> dict[str, NDArray[Any]]:
    """Pack users and their answers for storage."""
    return pack_histories(users.histories) | {
        "items": users.lists.items,
        "lengths": users.lists.lengths,
        "is_absent": users.is_absent,
    }


def unpack_answered(arrays: Arrays) -> AnsweredUsers:
    """Unpack what `pack_answered` packed."""
    lists = RankedLists(arrays["items"], arrays["lengths"])
    return AnsweredUsers(unpack_histories(arrays), lists, arrays["is_absent"])
