"""Where datasets lie when nobody says where."""

import os
from pathlib import Path

VARIABLE = "RECLEAK_DATA_DIR"


def data_dir(given: Path | None) -> Path:
    """Give the folder of the datasets: the one given, else RECLEAK_DATA_DIR, else a cache of our own."""
    if given is not None:
        return given.absolute()
    if from_environment := os.environ.get(VARIABLE):
        return Path(from_environment).absolute()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "recleak" / "datasets"
