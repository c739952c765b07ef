"""Compiled loops work where nothing can be cached on disk."""

import os
import subprocess
import sys

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
