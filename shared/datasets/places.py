"""Where datasets lie when nobody says where."""

import os
from collections.abc import Mapping
from pathlib import Path


def default_data_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """Give our own cache: `recleak data fetch` fills it, and both services look there.

    XDG_CACHE_HOME decides where it is, ~/.cache if that is not set; it need not exist.
    """
    cache = environment.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else _home() / ".cache").absolute() / "recleak" / "datasets"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a container's user may have none; then nothing is found, and the error shows this
        return Path("~")
