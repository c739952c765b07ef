"""Seeds that derive from names, so that order, retries and parallel work change nothing."""

import hashlib
import json

import numpy as np


def seed_for(*names: str | int) -> int:
    """Turn a name into a seed: equal names give equal seeds, whatever was drawn before.

    names    at least one; ("run", 7, "shadow", 3) and ("run", 7, "shadow", "3") are two names
    returns  int in [0, 2**63)
    Raises ValueError if no name is given.
    """
    if not names:
        raise ValueError("a seed needs at least one name")
    digest = hashlib.sha256(json.dumps(names, separators=(",", ":")).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def rng_for(*names: str | int) -> np.random.Generator:
    """Give the random generator that belongs to a name; see `seed_for`."""
    return np.random.default_rng(seed_for(*names))
