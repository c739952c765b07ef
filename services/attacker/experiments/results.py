"""The figures of a run as tables: a row for every cell and seed, and a row for every hit rate."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from services.attacker.experiments.cells import Cell, Part
from services.attacker.experiments.published import HIT_RATES, published_figure
from services.attacker.experiments.runs import Plan, PlannedCell, PlannedQuality
from shared.artifacts import ArtifactStore
from shared.errors import BadInput

RESULTS, HIT_RATE_RESULTS, SUMMARY, TIMES = "results", "hit_rates", "summary", "times"


def collect(plan: Plan, store: ArtifactStore) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Gather what is stored: cells, hit rates, and seconds by job; what failed has no row.

    The first two depend on spec, data, code and machine alone; the times do not.
    """
    cells = [cell_row(one, store) for one in plan.cells if store.has(one.name) and store.has(one.control)]
    qualities = [_quality_row(one, store) for one in plan.qualities if store.has(one.plan.name)]
    times = [
        {"kind": job.kind, "job": job.label, "seconds": store.get(job.name).meta.get("seconds")}
        for job in plan.jobs
        if store.has(job.name)
    ]
    return pd.DataFrame(cells), pd.DataFrame(qualities), pd.DataFrame(times)


def write(folder: Path, plan: Plan, store: ArtifactStore) -> None:
    """Write results.parquet and .csv, hit_rates.parquet and .csv, summary.csv over seeds, times.csv."""
    cells, qualities, times = collect(plan, store)
    for name, frame in ((RESULTS, cells), (HIT_RATE_RESULTS, qualities)):
        frame.to_parquet(folder / f"{name}.parquet", index=False)
        frame.to_csv(folder / f"{name}.csv", index=False)
    times.to_csv(folder / f"{TIMES}.csv", index=False)
    if not cells.empty:
        summary(cells).to_csv(folder / f"{SUMMARY}.csv", index=False, float_format="%.4f")


def read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the cells and hit rates of a run. Raises BadInput if there are none."""
    try:
        return tuple(pd.read_parquet(folder / f"{name}.parquet") for name in (RESULTS, HIT_RATE_RESULTS))  # type: ignore[return-value]
    except OSError as error:
        raise BadInput(f"{folder} holds no results; run or resume the experiment first") from error


def compare(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Put two runs side by side, cell by cell: AUC and balanced accuracy of both, and the differences.

    Cells that only one of them has are left out. Raises BadInput if one has no cell at all.
    """
    keys = [column for column in _spec_columns() if column in old and column in new]
    if old.empty or new.empty:
        raise BadInput("one of the runs has no cell that is done; only runs with cells can be compared")
    # a column that nothing varies is empty in one run and has numbers in another
    alike = [frame.assign(**{key: _plain(frame[key]) for key in keys}) for frame in (old, new)]
    both = alike[0].merge(alike[1], on=keys, suffixes=("_old", "_new"))
    kept = both[[*keys, "auc_old", "auc_new", "balanced_accuracy_old", "balanced_accuracy_new"]].copy()
    for figure in ("auc", "balanced_accuracy"):
        kept[f"{figure}_change"] = kept[f"{figure}_new"] - kept[f"{figure}_old"]
    return kept


def _plain(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Give a column whose absent values are None and whose whole numbers are integers."""
    values = [None if pd.isna(one) else int(one) if isinstance(one, float) else one for one in column]
    return pd.Series(values, index=column.index, dtype=object)


def summary(cells: pd.DataFrame) -> pd.DataFrame:
    """Average each cell over its seeds; columns of the spec in which nothing is varied are left out."""
    spec = ["grids", *(column for column in _spec_columns() if column != "seed")]
    varied = [column for column in spec if cells[column].nunique(dropna=False) > 1 or column == "code"]
    return over_seeds(cells, varied)


def over_seeds(cells: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Average figures over seeds: mean, smallest and largest of AUC and balanced accuracy, and how many."""
    found = cells.groupby(list(by), dropna=False, sort=False).agg(
        auc=("auc", "mean"),
        auc_min=("auc", "min"),
        auc_max=("auc", "max"),
        balanced_accuracy=("balanced_accuracy", "mean"),
        published=("published", "first"),
        identical_lists_auc=("baseline_identical_lists_auc", "mean"),
        history_only_auc=("baseline_history_only_auc", "mean"),
        control_auc=("control_auc", "mean"),
        n_seeds=("seed", "nunique"),
    )
    return found.reset_index()


def cell_row(planned: PlannedCell, store: ArtifactStore) -> dict[str, Any]:
    """Give all that there is to say about a cell that is done."""
    cell = planned.cell
    shadow, target = (
        (cell.shadow.dataset, cell.shadow.algorithm),
        (cell.target.dataset, cell.target.algorithm),
    )
    row = spec_row(cell) | {
        "grids": ";".join(planned.grids),
        "published": published_figure(shadow, target) if _is_papers(cell) else None,
    }
    for name in (planned.name, planned.control):
        figures = store.get(name).meta["row"]
        assert isinstance(figures, Mapping)  # written by cell_run
        row |= figures
    return row


def _quality_row(planned: PlannedQuality, store: ArtifactStore) -> dict[str, Any]:
    recommender = planned.plan.recommender
    side = planned.side
    published = None if side.settings else HIT_RATES.get((side.dataset, side.algorithm))
    about = dict(store.get(planned.plan.name).meta)
    about.pop("seconds")
    return {
        "grids": ";".join(planned.grids),
        "dataset": side.dataset,
        "algorithm": recommender.algorithm.value,
        "part": recommender.part.value,
        "k": planned.plan.k,
        "seed": recommender.seed,
        "settings": side.settings,
        "published": None if published is None else published[0 if recommender.part is Part.SHADOW else 1],
    } | about


def spec_row(cell: Cell) -> dict[str, Any]:
    """Give the columns that say which cell a row is about."""
    return {
        "code": cell.code,
        "seed": cell.seed,
        "shadow_dataset": cell.shadow.dataset,
        "shadow_algorithm": cell.shadow.algorithm.value,
        "shadow_pool": cell.shadow.pool,
        "target_dataset": cell.target.dataset,
        "target_algorithm": cell.target.algorithm.value,
        "pool": cell.target.pool,
        "preset": cell.preset.value,
        "model": cell.model.value,
        "weights": cell.weights.value,
        "k": cell.k,
        "length": cell.length,
        "factorization": cell.factorization.value if cell.factorization else None,
        "shadow_settings": cell.shadow.settings,
        "target_settings": cell.target.settings,
        "is_rehearsal": cell.is_rehearsal,
        "division": cell.division.value,
        "min_interactions": cell.min_interactions,
        "known_history": cell.known_history,
        "n_shadow_users": cell.n_shadow_users,
    }


def _spec_columns() -> list[str]:
    return [
        "code", "seed", "shadow_dataset", "shadow_algorithm", "shadow_pool", "target_dataset",
        "target_algorithm", "pool", "preset", "model", "weights", "k", "length", "division",
        "min_interactions", "known_history", "n_shadow_users", "factorization", "shadow_settings",
        "target_settings", "is_rehearsal",
    ]  # fmt: skip


def _is_papers(cell: Cell) -> bool:
    """Say whether the cell is one of the paper's: nothing varied but the preset."""
    return cell == Cell(cell.shadow, cell.target, preset=cell.preset, seed=cell.seed) and (
        cell.shadow.pool is None and cell.target.pool is None
    )
