"""Models on disk: damage is seen, and nothing is unpickled."""

import json

import numpy as np
import pytest
from recommender_worlds import random_world

from shared.errors import StorageFailed
from shared.progress import SILENT
from shared.recommenders.base import Algorithm
from shared.recommenders.lfm import LfmKind
from shared.recommenders.lfm_training import LfmSettings
from shared.recommenders.storage import load, save

SETTINGS = LfmSettings(n_factors=4, n_epochs=1)


@pytest.fixture
def folder(tmp_path):
    model = LfmKind().train(random_world(), SETTINGS, seed=1, progress=SILENT)
    save(model, Algorithm.LFM, SETTINGS, tmp_path)
    return tmp_path


def test_a_missing_model_is_reported(tmp_path):
    with pytest.raises(StorageFailed, match="train it again"):
        load(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["model.npz", "model.json"])
@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"x" + b[1:]])
def test_a_damaged_file_is_reported(folder, name, damage):
    path = folder / name
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(StorageFailed):
        load(folder)


def test_other_arrays_than_those_written_are_reported(folder):
    with np.load(folder / "model.npz") as file:
        arrays = dict(file)
    arrays["user_factors"][0, 0] += 1
    np.savez(folder / "model.npz", **arrays)

    with pytest.raises(StorageFailed, match="not those that were written"):
        load(folder)


def test_pickled_objects_are_refused(folder):
    np.savez(folder / "model.npz", thing=np.array([{"a": 1}], dtype=object))

    with pytest.raises(StorageFailed, match="pickle"):
        load(folder)


@pytest.mark.parametrize(("field", "value"), [("format", 99), ("algorithm", "svd"), ("settings", {"x": 1})])
def test_a_foreign_description_is_reported(folder, field, value):
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))

    with pytest.raises(StorageFailed):
        load(folder)


def test_a_place_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").write_text("in the way")
    model = LfmKind().train(random_world(), SETTINGS, seed=1, progress=SILENT)

    with pytest.raises(StorageFailed, match="could not write"):
        save(model, Algorithm.LFM, SETTINGS, tmp_path / "file")
