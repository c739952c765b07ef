"""Array types by meaning, and the checks that pure code makes at its door."""

import hashlib
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Bools: TypeAlias = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.int64]  # indices into a matrix: user rows, item rows
Scores: TypeAlias = NDArray[np.float64]  # larger = more likely a member
Vectors: TypeAlias = NDArray[np.float32]  # (n, d)
Histories: TypeAlias = "sparse.csr_array[np.float32]"  # (n_users, n_items), 1.0 = interacted, sorted indices


def check_shape(name: str, array: NDArray[np.generic], expected: tuple[int | None, ...]) -> None:
    """Raise ValueError, with both shapes, unless `array` has the expected shape (None = any length)."""
    found = array.shape
    if len(found) != len(expected) or any(
        e is not None and e != f for e, f in zip(expected, found, strict=True)
    ):
        raise ValueError(f"{name} must have shape {expected}, found {found}")


def content_hash(*arrays: NDArray[np.generic]) -> str:
    """Name arrays by their content: type, shape and bytes; 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]
