"""The rows of a run as matrices: shadow by target, one for each preset and setting of everything else."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from services.attacker.experiments.cells import Cell, Side
from services.attacker.experiments.results import over_seeds, spec_row
from shared.attacks import AttackPreset
from shared.contract.experiments import Matrix, MatrixCell
from shared.recommenders.base import Algorithm

_WHO = ("code", "seed", "shadow_dataset", "shadow_algorithm", "target_dataset", "target_algorithm", "preset")
_SIDE = Side("adm", Algorithm.ITEM)
_PAPERS = {name: value for name, value in spec_row(Cell(_SIDE, _SIDE)).items() if name not in _WHO}


def variation_of(row: Mapping[str, Any]) -> dict[str, str]:
    """Say what differs from the paper in a row of results, by column; empty for its own setting."""
    return {
        name: f"{row[name]:g}" if isinstance(row[name], float) else str(row[name])
        for name, papers in _PAPERS.items()
        if name in row and not pd.isna(row[name]) and row[name] != papers
    }


def matrices(cells: pd.DataFrame) -> tuple[Matrix, ...]:
    """Put the rows of results into matrices, averaged over seeds, in the order of the rows."""
    if cells.empty:
        return ()
    settings = [name for name in _PAPERS if name in cells]
    by = [name for name in (*_WHO, *settings) if name not in ("seed", "code")]
    found: dict[tuple[str, tuple[tuple[str, str], ...]], list[MatrixCell]] = {}
    for row in over_seeds(cells, by).to_dict("records"):
        about = {str(name): value for name, value in row.items()}
        key = (str(about["preset"]), tuple(variation_of(about).items()))
        found.setdefault(key, []).append(_cell(about))
    return tuple(_matrix(preset, dict(variation), parts) for (preset, variation), parts in found.items())


def _matrix(preset: str, variation: Mapping[str, str], cells: list[MatrixCell]) -> Matrix:
    return Matrix(
        preset=AttackPreset(preset),
        variation=variation,
        shadows=tuple(dict.fromkeys(cell.shadow for cell in cells)),
        targets=tuple(dict.fromkeys(cell.target for cell in cells)),
        cells=tuple(cells),
    )


def _cell(row: Mapping[str, Any]) -> MatrixCell:
    shadow, target = (
        Side(row[f"{side}_dataset"], Algorithm(row[f"{side}_algorithm"])).code
        for side in ("shadow", "target")
    )
    return MatrixCell(
        shadow=shadow,
        target=target,
        auc=row["auc"],
        balanced_accuracy=_or_none(row["balanced_accuracy"]),
        published=_or_none(row["published"]),
        n_seeds=row["n_seeds"],
    )


def _or_none(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
