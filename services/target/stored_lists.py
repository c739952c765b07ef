"""A trained deployment as files: the served lists memory mapped, the model beside them."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.target.counting import QueryLog
from services.target.serving import ServedDeployment
from services.target.training import Trained
from shared.arrays import Histories
from shared.artifacts import ArtifactStore, artifact_name
from shared.contract.target import DeploymentSpec
from shared.interactions import Ids
from shared.recommenders import storage
from shared.recommenders.base import Recommender
from shared.recommenders.registry import KINDS, parse_hyperparameters


def lists_name(deployment_id: str) -> str:
    """Name a deployment's lists, not by content: no two deployments share files, so each can be deleted."""
    return artifact_name("deployment", id=deployment_id)


def keep_lists(artifacts: ArtifactStore, deployment_id: str, trained: Trained) -> None:
    """Store what is served. Raises StorageFailed if the folder does not take it."""
    arrays = {
        "items": trained.items,
        "lengths": trained.lengths,
        "is_found": trained.is_found,
        "popular": trained.popular,
        "indptr": trained.histories.indptr.astype(np.int64),
        "indices": trained.histories.indices.astype(np.int32),
        "item_ids": _packed(trained.item_ids),
    }
    artifacts.put(lists_name(deployment_id), arrays, {"deployment": deployment_id})


def open_lists(
    artifacts: ArtifactStore,
    deployment_id: str,
    *,
    user_ids: tuple[str, ...],
    queries: QueryLog,
    model: Recommender | None = None,
) -> ServedDeployment:
    """Open what is served. Raises NotFound or StorageFailed if it is missing or damaged.

    model  what makes lists from histories, if the deployment does
    """
    # np.asarray: still the mapped file, but indexing a memmap object itself costs a microsecond each time
    arrays = {
        name: np.asarray(array) for name, array in artifacts.get(lists_name(deployment_id)).arrays.items()
    }
    return ServedDeployment(
        id=deployment_id,
        k_cap=arrays["items"].shape[1],
        user_ids=Ids(user_ids),
        item_ids=Ids(_unpacked(arrays["item_ids"])),
        items=arrays["items"],
        lengths=arrays["lengths"],
        is_found=arrays["is_found"],
        popular=arrays["popular"],
        indptr=arrays["indptr"],
        indices=arrays["indices"],
        queries=queries,
        model=model,
    )


def histories_of(deployment: ServedDeployment) -> Histories:
    """The histories of all known users: (n_users, n_items)."""
    ones = np.ones(len(deployment.indices), dtype=np.float32)
    shape = (len(deployment.user_ids), len(deployment.item_ids))
    return sparse.csr_array((ones, deployment.indices, deployment.indptr), shape=shape)


def open_model(folder: Path, spec: DeploymentSpec) -> Recommender | None:
    """Open what makes lists from histories; None if the deployment makes none. Raises StorageFailed."""
    return storage.load(folder) if spec.answers_histories else None


def keep_model(folder: Path, spec: DeploymentSpec, trained: Trained) -> None:
    """Store the trained recommender. Raises StorageFailed if the folder does not take it."""
    histories = trained.histories[np.flatnonzero(trained.is_member)]
    settings = parse_hyperparameters(spec.algorithm, spec.hyperparameters)
    model = KINDS[spec.algorithm].from_arrays(trained.model, histories, settings)
    storage.save(model, spec.algorithm, settings, folder)


def forget(artifacts: ArtifactStore, model_folder: Path, deployment_id: str) -> None:
    """Delete all files of a deployment; those that are not there are no error."""
    artifacts.delete(lists_name(deployment_id))
    shutil.rmtree(model_folder, ignore_errors=True)


def _packed(names: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(names).encode(), dtype=np.uint8)


def _unpacked(packed: NDArray[np.uint8]) -> tuple[str, ...]:
    return tuple(json.loads(packed.tobytes()))
