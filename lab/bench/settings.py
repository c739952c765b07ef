"""What a run of the benchmarks was asked for."""

from dataclasses import dataclass
from pathlib import Path

from lab.bench.peers import Venvs
from lab.bench.runs import first_cores

_TOYS = {
    "ml-1m": "synthetic:users=600,items=400,history=30",
    "adm": "synthetic:users=800,items=3000,history=5,min_history=2",
}


@dataclass(frozen=True)
class Settings:
    """What a run of the benchmarks was asked for.

    folder    where inputs are written; whoever made it removes it
    is_quick  toys instead of the datasets, short trainings: to see that all of it works
    is_full   growth up to 1 M users, 200 k items, 100 M interactions
    n_threads  threads, and cores, that each contender may use
    kept      file in which growth is kept as it is measured, so that a run can go on; None = none
    """

    folder: Path
    data_dir: Path
    venvs: Venvs
    rounds: int
    is_quick: bool = False
    is_full: bool = False
    n_threads: int = 2
    kept: Path | None = None

    @property
    def cores(self) -> tuple[int, ...]:
        """The cores that contenders run on."""
        return first_cores(self.n_threads)

    @property
    def timeout_s(self) -> float:
        """How long one run may take."""
        return 120.0 if self.is_quick else 3600.0

    def source(self, dataset: str) -> str:
        """Give the name to load a dataset by: its own, or that of a toy of like shape."""
        return _TOYS[dataset] if self.is_quick else dataset

    def pick(self, whole: float, quick: float) -> float:
        """Choose a size."""
        return quick if self.is_quick else whole
