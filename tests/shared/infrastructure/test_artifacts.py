"""An artifact is whole or absent, and its name says what it depends on."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.artifacts import ArtifactStore, artifact_name, write_array
from shared.errors import NotFound, StorageFailed

ROOT = Path(__file__).parents[3]
ARRAYS: dict[str, NDArray[Any]] = {
    "floats": np.arange(12, dtype=np.float32).reshape(3, 4),
    "columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "one": np.array(7.5),
    "none": np.zeros((0, 4), dtype=np.int64),
    "text": np.array(["a", "bcd"]),
    "days": np.array(["2021-11-15"], dtype="datetime64[D]"),
}


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def test_what_is_put_is_got(store: ArtifactStore) -> None:
    store.put("a-1", ARRAYS, {"seed": 3, "of": {"k": [1, 2]}})
    found = store.get("a-1")

    assert store.has("a-1") and store.names() == ["a-1"]
    assert found.meta == {"seed": 3, "of": {"k": [1, 2]}}
    assert set(found.arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


def test_arrays_are_mapped_and_cannot_be_changed(store: ArtifactStore) -> None:
    store.put("a", ARRAYS, {})
    array = store.get("a").arrays["floats"]

    assert isinstance(array, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1


def test_a_stored_name_is_left_as_it_is(store: ArtifactStore) -> None:
    store.put("a", {"x": np.zeros(2)}, {})
    store.put("a", {"x": np.ones(2)}, {})

    assert store.get("a").arrays["x"].tolist() == [0, 0]


def test_deleting_leaves_open_arrays_readable_and_is_no_error_twice(store: ArtifactStore) -> None:
    store.put("a", ARRAYS, {})
    open_array = store.get("a").arrays["floats"]

    store.delete("a")
    store.delete("a")

    assert not store.has("a") and store.size() == 0
    assert open_array.sum() == 66
    with pytest.raises(NotFound, match="run the stage"):
        store.get("a")


def test_size_counts_bytes(store: ArtifactStore) -> None:
    assert store.size() == 0
    store.put("a", {"x": np.zeros(1000)}, {})

    assert 8000 < store.size("a") == store.size() < 8400


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../a", "a/b", "/etc", "a\\b", "A", "a\n", "a.b", "-a", "a" * 129]
)
def test_a_name_never_leads_out_of_the_folder(store: ArtifactStore, name: str) -> None:
    for use in (store.has, store.get, store.delete, store.size):
        with pytest.raises(ValueError, match="artifact name"):
            use(name)
    with pytest.raises(ValueError, match="artifact name"):
        store.put(name, {}, {})
    with pytest.raises(ValueError, match="array name"):
        store.put("fine", {name: np.zeros(1)}, {})

    assert store.names() == []


def test_objects_are_refused(store: ArtifactStore) -> None:
    with pytest.raises(ValueError, match="objects"):
        store.put("a", {"x": np.array([{}])}, {})
    assert list(store.root.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    def full(file: IO[bytes], array: NDArray[Any]) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store = ArtifactStore(tmp_path / "a", writer=full)

    with pytest.raises(StorageFailed, match=r"a-1 could not be stored .*free some space"):
        store.put("a-1", ARRAYS, {})
    assert not store.has("a-1") and list(store.root.iterdir()) == []


def test_a_real_write_that_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    """The kernel refuses to let a file grow beyond 4096 bytes, as a full disk would."""
    script = f"""
import resource, numpy as np
from pathlib import Path
from shared.artifacts import ArtifactStore
from shared.errors import StorageFailed
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    ArtifactStore(Path({str(tmp_path)!r})).put("a", {{"x": np.zeros(10_000)}}, {{}})
except StorageFailed as error:
    assert "limit on the size" in str(error), error
else:
    raise SystemExit(3)
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_killed_writer_leaves_no_artifact_and_what_it_left_can_be_cleaned(tmp_path: Path) -> None:
    script = f"""
import os, numpy as np
from pathlib import Path
from shared.artifacts import ArtifactStore
store = ArtifactStore(Path({str(tmp_path)!r}), writer=lambda file, array: os._exit(9))
store.put("a", {{"x": np.zeros(1)}}, {{}})
"""
    store = ArtifactStore(tmp_path)

    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 9
    assert store.names() == [] and not store.has("a")
    assert store.clean() == 1
    assert list(tmp_path.iterdir()) == []


def test_two_writers_of_one_name_both_succeed(tmp_path: Path) -> None:
    both_inside = threading.Barrier(2, timeout=10)

    def wait_and_write(file: IO[bytes], array: NDArray[Any]) -> None:
        both_inside.wait()
        write_array(file, array)

    store = ArtifactStore(tmp_path, writer=wait_and_write)
    threads = [threading.Thread(target=store.put, args=("a", {"x": np.ones(2)}, {})) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.get("a").arrays["x"].tolist() == [1, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", b"junk" * 40])
def test_a_damaged_array_is_named(store: ArtifactStore, damage: bytes) -> None:
    store.put("a-1", {"x": np.zeros(100)}, {})
    (store.root / "a-1" / "x.npy").write_bytes(damage)

    with pytest.raises(StorageFailed, match=r"a-1 is damaged.*delete it"):
        store.get("a-1")


def test_a_cut_array_is_damaged(store: ArtifactStore) -> None:
    store.put("a-1", {"x": np.zeros(100)}, {})
    path = store.root / "a-1" / "x.npy"
    path.write_bytes(path.read_bytes()[:-8])

    with pytest.raises(StorageFailed, match="a-1 is damaged"):
        store.get("a-1")


def test_a_missing_array_and_a_broken_description_are_reported(store: ArtifactStore) -> None:
    store.put("a", {"x": np.zeros(1)}, {})
    store.put("b", {"x": np.zeros(1)}, {})
    (store.root / "a" / "x.npy").unlink()
    (store.root / "b" / "meta.json").write_text("[]")

    for name in ("a", "b"):
        with pytest.raises(StorageFailed, match=f"{name} .*damaged"):
            store.get(name)


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageFailed, match="could not be stored"):
        ArtifactStore(tmp_path / "file").put("a", {}, {})


def test_names_say_what_they_depend_on() -> None:
    name = artifact_name("item-vectors", seed=3, settings={"d": 8, "rate": 0.1})

    assert name == artifact_name("item-vectors", settings={"rate": 0.1, "d": 8}, seed=3)
    assert name.startswith("item-vectors-") and len(name) == len("item-vectors-") + 32
    assert name != artifact_name("item-vectors", seed="3", settings={"d": 8, "rate": 0.1})
    assert artifact_name("a", x=1) != artifact_name("a", x=1.0)


@pytest.mark.parametrize("kind", ["", "A", "a/b", "..", "a" * 96])
def test_a_kind_that_is_no_file_name_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="kind"):
        artifact_name(kind)


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1), st.integers() | st.text() | st.booleans() | st.none()))
def test_any_plain_settings_have_a_name_that_a_store_takes(depends: dict[str, Any]) -> None:
    name = artifact_name("any", depends=depends)

    assert name == artifact_name("any", depends=dict(reversed(list(depends.items()))))
    assert not ArtifactStore(Path("nowhere")).has(name)
