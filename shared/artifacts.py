"""Big arrays as files: named by what they depend on, written whole or not at all, memory mapped when read."""

import errno
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.errors import NotFound, StorageFailed

Plain: TypeAlias = "str | int | float | bool | Sequence[Plain] | Mapping[str, Plain] | None"  # JSON
Writer: TypeAlias = Callable[[IO[bytes], NDArray[Any]], None]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,127}")
_META = "meta.json"
_UNFINISHED = ".unfinished-"  # no artifact name begins with a dot


@dataclass(frozen=True)
class Artifact:
    """One stored result: its arrays by name, read only and memory mapped, and what is said about them."""

    arrays: Mapping[str, NDArray[Any]]
    meta: Mapping[str, Plain]


def artifact_name(kind: str, **depends: Plain) -> str:
    """Name a result by everything its value depends on: `item-vectors-3f2a...`, 32 hexadecimal digits.

    kind     letters, digits, dashes: what a person reads
    depends  plain data; equal data give equal names in whatever order it is given; 1 and 1.0 are two values
    Raises ValueError if the kind cannot be part of a file name or a value is not plain, NaN included.
    """
    text = json.dumps(depends, sort_keys=True, separators=(",", ":"), allow_nan=False)
    name = f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    if not _NAME.fullmatch(name):
        raise ValueError(f"kind must be up to 95 of a-z, 0-9, dash and underscore, found {kind!r}")
    return name


def write_array(file: IO[bytes], array: NDArray[Any]) -> None:
    """Write one array in numpy's format; ValueError for objects, which would need pickle."""
    if array.dtype.hasobject:
        raise ValueError("an array of objects cannot be stored; store its parts as arrays of numbers or text")
    whole = np.asarray(array, order="C")
    np.lib.format.write_array_header_2_0(file, np.lib.format.header_data_from_array_1_0(whole))
    # numpy's own `tofile` loses the reason when the disk is full
    file.write(whole.reshape(-1).view(np.uint8).data)


class ArtifactStore:
    """A folder of artifacts; several processes may use it at once.

    An artifact appears under its name by one rename, after all of it is on the disk: it is whole or absent.
    Names are made by `artifact_name`; other names of a-z, 0-9, dash and underscore work too, and nothing else
    does, so that a name never leads out of the folder.
    """

    def __init__(self, root: Path, *, writer: Writer = write_array) -> None:
        self.root = root
        self._write_array = writer

    def has(self, name: str) -> bool:
        """Say whether an artifact is stored."""
        with _translated(name, "looked up"):
            return (self._path(name) / _META).is_file()

    def put(self, name: str, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Plain]) -> None:
        """Store arrays and what is said about them; a name that is stored already is left as it is.

        arrays  by names of a-z, 0-9, dash and underscore; any shape and type but objects
        Raises ValueError for such a name or type; StorageFailed if the folder does not take them.
        """
        path = self._path(name)
        if self.has(name):
            return
        unfinished = self._unfinished(name)
        try:
            with _translated(name, "stored"):
                unfinished.mkdir(parents=True)
                self._fill(unfinished, arrays, meta)
                self._publish(unfinished, path)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def get(self, name: str) -> Artifact:
        """Open an artifact; its arrays are read from the disk when they are used.

        Raises NotFound if it is not stored; StorageFailed if it is damaged or cannot be read.
        """
        path = self._path(name)
        if not self.has(name):
            raise NotFound(f"the artifact {name} is not stored; run the stage that makes it")
        try:
            with _translated(name, "read"):
                meta = json.loads((path / _META).read_text())
                arrays = {array: _open_array(path / f"{array}.npy") for array in meta["arrays"]}
                return Artifact(arrays, meta["meta"])
        except (ValueError, KeyError, TypeError, EOFError) as error:
            advice = "delete it and run the stage that makes it again"
            raise StorageFailed(f"the artifact {name} is damaged ({error}); {advice}") from error

    def delete(self, name: str) -> None:
        """Delete an artifact; one that is not stored is no error. Arrays that are open stay readable."""
        path = self._path(name)
        doomed = self._unfinished(name)
        with _translated(name, "deleted"):
            try:
                path.rename(doomed)  # so that nobody sees half of it
            except FileNotFoundError:
                return
            shutil.rmtree(doomed)

    def names(self) -> list[str]:
        """List what is stored, in order of name."""
        with _translated("folder", "listed"):
            found = self.root.iterdir() if self.root.is_dir() else iter(())
            return sorted(path.name for path in found if _NAME.fullmatch(path.name) and self.has(path.name))

    def size(self, name: str | None = None) -> int:
        """Count the bytes of one artifact, or of the whole folder with what killed processes left in it."""
        folder = self.root if name is None else self._path(name)
        with _translated(name or "folder", "measured"):
            return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    def clean(self) -> int:
        """Delete what killed processes left behind, and say how many; only while nobody is writing."""
        left = list(self.root.glob(f"{_UNFINISHED}*"))
        for path in left:
            shutil.rmtree(path, ignore_errors=True)
        return len(left)

    def _unfinished(self, name: str) -> Path:
        return self.root / f"{_UNFINISHED}{name}-{uuid.uuid4().hex[:8]}"

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"an artifact name has only a-z, 0-9, dash and underscore, found {name!r}")
        return self.root / name

    def _fill(self, folder: Path, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Plain]) -> None:
        for name, array in arrays.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"an array name has only a-z, 0-9, dash and underscore, found {name!r}")
            with (folder / f"{name}.npy").open("xb") as file:
                self._write_array(file, array)
                _to_disk(file)
        text = json.dumps({"arrays": sorted(arrays), "meta": dict(meta)}, sort_keys=True, allow_nan=False)
        with (folder / _META).open("xb") as file:
            file.write(text.encode())
            _to_disk(file)

    def _publish(self, unfinished: Path, path: Path) -> None:
        try:
            unfinished.rename(path)
        except OSError as error:
            # another process was faster; equal names mean equal content
            if error.errno in {errno.EEXIST, errno.ENOTEMPTY} and self.has(path.name):
                return
            raise
        if os.name == "posix":
            descriptor = os.open(self.root, os.O_RDONLY)
            try:
                os.fsync(descriptor)  # the rename itself
            finally:
                os.close(descriptor)


def _open_array(path: Path) -> NDArray[Any]:
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


_SPACE = "free some space and try again"
_RIGHTS = "make the folder writable and try again"
_ADVICE = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: "raise the limit on the size of a file and try again",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.ENOENT: "it is damaged: delete it and run the stage that makes it again",
}


@contextmanager
def _translated(name: str, verb: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "check the folder and try again")
        raise StorageFailed(
            f"the artifact {name} could not be {verb} ({error.strerror or error}); {advice}"
        ) from error
