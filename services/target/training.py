"""What a worker does for a deployment: plain data in, plain data out; it never touches the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from shared.arrays import Bools, Histories
from shared.contract.target import DeploymentSpec, HitRateAtK
from shared.datasets import registry
from shared.datasets.naming import dataset_name
from shared.datasets.splits import divide, draw_members
from shared.errors import BadInput
from shared.interactions import Interactions
from shared.progress import Progress
from shared.randomness import rng_for
from shared.recommenders.quality import measure_quality
from shared.recommenders.registry import parse_hyperparameters
from shared.recommenders.served import popular_list, train_and_serve

_LOADED, _DIVIDED = 0.15, 0.2  # shares of the whole, measured with `item`; the long trainings fill the rest


@dataclass(frozen=True)
class Trained:
    """A deployment as it leaves the worker.

    user_ids, item_ids  names of rows and columns
    histories  (n_users, n_items), all known users
    is_member  (n_users,) bool: the secret
    items, lengths, is_found  see `serving.ServedDeployment`: one row more than users, any stranger's
    popular    (n,) int32, item rows, best first
    model      the recommender's arrays, over `histories[is_member]`
    n_left_out  users set aside so that members and non-members are equally many
    """

    user_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    histories: Histories
    is_member: Bools
    items: NDArray[np.int32]
    lengths: NDArray[np.int32]
    is_found: Bools
    popular: NDArray[np.int32]
    model: Mapping[str, NDArray[Any]]
    n_left_out: int


def train(spec: DeploymentSpec, membership_seed: int, data_dir: Path, *, progress: Progress) -> Trained:
    """Load, divide, draw members, train on them, rank for everybody.

    membership_seed  the secret; `spec.membership_seed` is not looked at
    Raises BadInput if the dataset cannot be read or holds too few users; JobStopped if asked to stop.
    """
    world, is_member, n_left_out = _world(
        spec, membership_seed, data_dir, progress=progress.part(0, _DIVIDED)
    )
    n_users = world.n_users
    with_stranger = sparse.csr_array(
        (
            world.histories.data,
            world.histories.indices,
            np.append(world.histories.indptr, world.histories.nnz),
        ),
        shape=(n_users + 1, world.n_items),
    )
    model, served = train_and_serve(
        with_stranger,
        np.append(is_member, False),
        algorithm=spec.algorithm,
        settings=parse_hyperparameters(spec.algorithm, spec.hyperparameters),
        k=spec.k_cap,
        cold_start=spec.cold_start,
        seed=spec.seed,
        progress=progress.part(_DIVIDED, 1),
    )
    return Trained(
        user_ids=world.user_ids.names,
        item_ids=world.item_ids.names,
        histories=world.histories,
        is_member=is_member,
        items=served.lists.items,
        lengths=served.lists.lengths,
        is_found=~served.is_absent,
        popular=popular_list(model.histories, spec.k_cap).astype(np.int32),
        model=model.to_arrays(),
        n_left_out=n_left_out,
    )


def _world(
    spec: DeploymentSpec, membership_seed: int, data_dir: Path, *, progress: Progress
) -> tuple[Interactions, Bools, int]:
    """The users of the target part that are members or non-members, and which they are."""
    loading = progress.part(0, _LOADED / _DIVIDED)
    data, _ = registry.load(dataset_name(spec.dataset, data_dir), data_dir=data_dir, progress=loading)
    progress.step(_LOADED / _DIVIDED, "dividing the dataset")
    part = divide(data, spec.split).target
    if part.n_users < 2:
        raise BadInput("the target part has a single user; take a larger dataset or lower min_interactions")
    is_member, rows = draw_members(part.n_users, rng=rng_for(membership_seed, "membership"))
    return part.take_users(rows), is_member[rows], part.n_users - len(rows)


def measure(spec: DeploymentSpec, histories_members: Histories, *, progress: Progress) -> HitRateAtK:
    """Measure HR@k on a copy of the deployment's recommender, trained again with one item a member held out.

    histories_members  (n_members, n_items)
    Raises BadInput if nobody has two interactions; JobStopped if asked to stop.
    """
    if not np.any(np.diff(histories_members.indptr) >= 2):
        raise BadInput("HR@k needs a member with two interactions; raise min_interactions")
    k = min(100, spec.k_cap)
    quality = measure_quality(
        histories_members,
        algorithm=spec.algorithm,
        settings=parse_hyperparameters(spec.algorithm, spec.hyperparameters),
        k=k,
        seed=spec.seed,
        progress=progress,
    )
    return HitRateAtK(
        k=k,
        members=quality.model.value,
        members_interval=(quality.model.low, quality.model.high),
        popularity=quality.popularity.value,
        n_users=quality.model.n_users,
    )
