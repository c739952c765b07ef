"""Where datasets lie: where the command line says, else where the environment does."""

import os
from pathlib import Path

from shared.datasets.places import default_data_dir

VARIABLE = "RECLEAK_DATA_DIR"


def data_dir(given: Path | None) -> Path:
    """Give the folder of the datasets: the one given, else RECLEAK_DATA_DIR, else a cache of our own."""
    if given is not None:
        return given.absolute()
    if from_environment := os.environ.get(VARIABLE):
        return Path(from_environment).absolute()
    return default_data_dir()
