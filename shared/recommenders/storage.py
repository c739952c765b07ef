"""Trained recommenders on disk: one npz of arrays and one json that says what they are; never pickle."""

import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from shared.arrays import Histories, content_hash
from shared.errors import StorageFailed
from shared.recommenders.base import Algorithm, Hyperparameters, Recommender
from shared.recommenders.registry import KINDS, parse_hyperparameters

_FORMAT = 1
_ARRAYS, _DESCRIPTION = "model.npz", "model.json"
_HISTORIES = ("histories_indptr", "histories_indices", "histories_shape")


def save(recommender: Recommender, algorithm: Algorithm, settings: Hyperparameters, folder: Path) -> None:
    """Write a recommender and its training histories into a folder, made if need be.

    Raises StorageFailed if the folder cannot be written.
    """
    arrays = recommender.to_arrays() | _history_arrays(recommender.histories)
    description = {
        "format": _FORMAT,
        "algorithm": str(algorithm),
        "settings": asdict(settings),
        "content_hash": _hash(arrays),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / _ARRAYS).open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        (folder / _DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageFailed(f"could not write the model to {folder}: {error}; free or change it") from error


def load(folder: Path) -> Recommender:
    """Read a recommender back; its lists are those it gave before.

    Raises StorageFailed if a file is missing, damaged or of another format.
    """
    try:
        description = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        with (folder / _ARRAYS).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return _build(description, arrays)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise StorageFailed(f"could not read a model from {folder}: {error}; train it again") from error


def _build(description: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Recommender:
    if description["format"] != _FORMAT:
        raise ValueError(f"format must be {_FORMAT}, found {description['format']}")
    if description["content_hash"] != _hash(arrays):
        raise ValueError("the arrays are not those that were written")
    algorithm = Algorithm(description["algorithm"])
    settings = parse_hyperparameters(algorithm, description["settings"])
    indptr, indices, shape = (arrays.pop(name) for name in _HISTORIES)
    ones = np.ones(len(indices), dtype=np.float32)
    histories = sparse.csr_array((ones, indices, indptr), shape=(int(shape[0]), int(shape[1])))
    return KINDS[algorithm].from_arrays(arrays, histories, settings)


def _history_arrays(histories: Histories) -> dict[str, NDArray[Any]]:
    parts = (histories.indptr, histories.indices, np.array(histories.shape, dtype=np.int64))
    return dict(zip(_HISTORIES, parts, strict=True))


def _hash(arrays: dict[str, NDArray[Any]]) -> str:
    names = sorted(arrays)
    named = np.frombuffer("\x00".join(names).encode(), dtype=np.uint8)
    return content_hash(named, *(arrays[name] for name in names))
