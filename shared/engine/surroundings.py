"""What must be equal here and in a worker, so that the same work gives the same figures."""

import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TypeAlias

from shared import __version__

Surroundings: TypeAlias = Mapping[str, str]  # what it is -> which

_PACKAGES = ("numpy", "scipy", "numba", "distributed")
_THREADS = "OMP_NUM_THREADS"


@cache
def surroundings() -> Surroundings:
    """Name the versions that figures depend on, without local parts such as +cpu."""
    major, minor, _ = platform.python_version_tuple()
    return {"recleak": __version__, "python": f"{major}.{minor}"} | {
        name: _version(name) for name in _PACKAGES
    }


def worker_state() -> Surroundings:
    """Tell about the process that this runs in: its surroundings, and how many threads BLAS may use."""
    return {**surroundings(), _THREADS: os.environ.get(_THREADS, "not set")}


def objections(ours: Surroundings, theirs: Surroundings, *, n_threads: int) -> list[str]:
    """Say why a worker cannot do our work, in words, such as `numpy is 2.3.0 there and 2.4.6 here`.

    theirs     what `worker_state` said there
    n_threads  tasks that the worker runs at a time, in one process
    """
    found = [
        f"{name} is {theirs.get(name, 'missing')} there and {wanted} here"
        for name, wanted in ours.items()
        if theirs.get(name) != wanted
    ]
    if n_threads != 1:
        found.append(f"it runs {n_threads} tasks at a time; start it with --nthreads 1")
    if theirs.get(_THREADS) != "1":
        found.append(f"{_THREADS} is {theirs.get(_THREADS)} there; start it with a nanny, or set it to 1")
    return found


def _version(package: str) -> str:
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return "missing"
