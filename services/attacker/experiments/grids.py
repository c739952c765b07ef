"""Grids: many cells at once, declared in a TOML file of `experiments/`, one file per table or figure."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod
from pathlib import Path

from pydantic import ValidationError

from services.attacker.experiments.cells import Cell, Side
from shared.attacks import AttackPreset
from shared.contract.experiments import Axes, GridSpec
from shared.errors import BadInput, NotFound

__all__ = ["Axes", "Grid", "grid_folder", "load_grids", "read_grid", "select"]


class Grid(GridSpec):
    """A declared grid, with the cells that it stands for."""

    @property
    def n_cells(self) -> int:
        """Count the cells, or pairs of recommenders, of one seed without writing them out."""
        axes = prod(len(getattr(self.vary, name)) for name in Axes.model_fields) * len(self.presets)
        return len(self.sides()) * (axes if self.kind == "attack" else 1)

    @property
    def dataset_names(self) -> set[str]:
        """Give the datasets it needs."""
        return {name for pair in self.datasets for name in pair}

    def cells(self, seeds: Sequence[int]) -> list[Cell]:
        """Write out all cells, seed by seed; none for hit rates, which need recommenders only."""
        if self.kind != "attack":
            return []
        return [cell for seed in seeds for cell in self._of_seed(seed)]

    def sides(self) -> list[tuple[Side, Side]]:
        """Write out all pairs of shadow and target."""
        return [
            (Side(shadow, ours, hyperparameters=settings), Side(target, theirs, hyperparameters=settings))
            for settings in (tuple(sorted(one.items())) for one in self.hyperparameters)
            for shadow, target in self.datasets
            for ours, theirs in product(self.among, repeat=2)
            if self.algorithms == "all" or ours is theirs
        ]

    def _of_seed(self, seed: int) -> list[Cell]:
        axes = [getattr(self.vary, name) for name in Axes.model_fields]
        return [
            _cell(shadow, target, preset, dict(zip(Axes.model_fields, values, strict=True)), seed)
            for preset in self.presets
            for shadow, target in self.sides()
            for values in product(*axes)
        ]


def _cell(shadow: Side, target: Side, preset: AttackPreset, values: Mapping[str, object], seed: int) -> Cell:
    pool = int(str(values["pool"])) or None
    shadow_pool = pool if values["is_shadow_defended"] else None
    own = {name: value for name, value in values.items() if name not in ("pool", "is_shadow_defended")}
    own |= {name: values[name] or None for name in ("known_history", "n_shadow_users")}
    base = Cell(replace(shadow, pool=shadow_pool), replace(target, pool=pool), preset=preset, seed=seed)
    return replace(base, **own)  # type: ignore[arg-type]  # names and types are those of Axes


def grid_folder() -> Path:
    """Find the declared grids: beside the code in an installed package, at the top of a checkout."""
    here = Path(__file__).parent
    installed = here / "grid_files"
    return installed if installed.is_dir() else here.parents[2] / "experiments"


def load_grids(folder: Path) -> dict[str, Grid]:
    """Read every grid of a folder, by name.

    Raises BadInput naming the file and the field for one that cannot be used.
    """
    grids = {path.stem: read_grid(path) for path in sorted(folder.glob("*.toml"))}
    for grid in grids.values():
        for name in grid.includes:
            if name not in grids:
                raise BadInput(f"{grid.name}.toml includes {name}, which is not there")
    return grids


def select(grids: Mapping[str, Grid], name: str) -> list[Grid]:
    """Give the grid of a name, or those that a collection of that name runs.

    Raises NotFound with the names there are.
    """
    if name not in grids:
        raise NotFound(f"there is no experiment {name}; there are {', '.join(sorted(grids))}")
    chosen = grids[name]
    if chosen.kind != "collection":
        return [chosen]
    return [grid for one in chosen.includes for grid in select(grids, one)]


def read_grid(path: Path) -> Grid:
    """Read one file; BadInput naming the file and the field if it cannot be used."""
    try:
        return Grid.model_validate({"name": path.stem} | tomllib.loads(path.read_text()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{path.name}, {place or 'the whole'}: {first['msg']}") from error
