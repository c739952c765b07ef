"""Compiled loops work where nothing can be cached on disk."""

import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

from shared.compiled import csr_parts

PROGRAM = """
from shared.compiled import compiled, compiled_fast
def twice(x):
    return 2 * x
print(compiled(twice)(21), compiled_fast(twice)(21))
"""


def test_a_place_to_cache_is_not_needed():
    """Of numba's ways to find a folder only that of notebooks is left, which finds none here."""
    environment = os.environ | {"NUMBA_CACHE_LOCATOR_CLASSES": "IPythonCacheLocator"}

    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )

    assert found.stdout.split() == ["42", "42"]


TRAINS = """
import hashlib
import numpy as np
from scipy import sparse
from shared.progress import SILENT
from shared.recommenders.registry import KINDS, parse_hyperparameters
taken = np.random.default_rng(0).random((60, 90)) < 0.2
histories = sparse.csr_array(taken.astype(np.float32))
for algorithm, kind in KINDS.items():
    model = kind.train(histories, parse_hyperparameters(algorithm, {}), seed=1, progress=SILENT)
    bits = b"".join(np.ascontiguousarray(one).tobytes() for one in model.to_arrays().values())
    print(algorithm, hashlib.sha256(bits + model.recommend(np.arange(60), k=20).items.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_the_first_run_gives_the_bits_of_the_second(tmp_path):
    """Machine code made in this process and machine code from the disk compute alike."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", TRAINS]

    first, second = (
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )

    assert list(tmp_path.rglob("*.nbi"))
    assert first == second


def test_histories_are_not_copied_for_a_loop_unless_they_are_read_only():
    """A loop that is given a read-only array would be compiled again for it."""
    histories = sparse.csr_array(np.eye(3, dtype=np.float32))
    _, own = csr_parts(histories)
    histories.indices.flags.writeable = False
    _, copied = csr_parts(histories)

    assert np.shares_memory(own, histories.indices)
    assert copied.flags.writeable
    assert copied.tolist() == own.tolist() == [0, 1, 2]
