"""Which rows of a run a figure shows, and how they are summed up over seeds."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
import pandas as pd

from services.attacker.experiments.cells import Cell
from services.attacker.experiments.report.wording import (
    axis_value,
    counts,
    division_name,
    plural,
    seeds,
    span,
)
from services.attacker.experiments.runs import Plan

_SPEC = (
    "shadow_dataset", "shadow_algorithm", "shadow_pool", "target_dataset", "target_algorithm", "pool",
    "preset", "model", "weights", "k", "length", "division", "known_history", "n_shadow_users", "seed",
    "factorization", "is_rehearsal", "shadow_settings", "target_settings",
)  # fmt: skip
_MAYBE_NUMBER = ("shadow_pool", "pool", "known_history", "n_shadow_users")
_MAYBE_TEXT = ("factorization", "shadow_settings", "target_settings")
_SIDES = ("shadow_dataset", "shadow_algorithm", "target_dataset", "target_algorithm")
_USUAL = {"k": 100, "length": 100, "weights": "linear", "model": "mlp", "division": "by-interaction"}
_RATES = ("0.1", "0.01", "0.001")
_FIGURES = (
    "published", "auc", "auc_low", "auc_high", "balanced_accuracy", "members", "non_members", "smallest_fpr",
    "null_low", "null_high", "control_auc", "coverage_catalogue", "coverage_histories", "coverage_lists",
    "coverage_unknown_items", "baseline_random_guess_auc", "baseline_list_form_auc",
    "baseline_identical_lists_auc", "baseline_popular_overlap_auc", "baseline_history_only_auc",
    *(f"tpr_at_fpr_{rate}{end}" for rate in _RATES for end in ("", "_low", "_high", "_is_resolved")),
)  # fmt: skip
_TEXT = ("code", "grids")


@dataclass(frozen=True)
class Spread:
    """A figure over seeds: mean, smallest and largest."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def ends(self) -> str:
        """Write the smallest and the largest."""
        return span(self.low, self.high)


def spread(values: "pd.Series[Any]") -> Spread | None:
    """Sum up a figure over seeds; None if there is none."""
    known = values.dropna().astype(float)
    if known.empty:
        return None
    return Spread(float(known.mean()), float(known.min()), float(known.max()), len(known))


def interval(rows: pd.DataFrame) -> Spread | None:
    """Give ROC AUC with the 95 % interval of one seed, or with the ends over several."""
    over_seeds = spread(rows["auc"])
    if over_seeds is None or over_seeds.n > 1:
        return over_seeds
    row = rows.dropna(subset=["auc"]).iloc[0]
    return Spread(float(row["auc"]), float(row["auc_low"]), float(row["auc_high"]), 1)


def prepare(cells: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Give every column that figures use, numbers as numbers, and `artifact`: where a cell's curves are."""
    found = cells.reindex(columns=[*dict.fromkeys([*_TEXT, *_SPEC, *_FIGURES])]).copy()
    for column in (*_FIGURES, *_MAYBE_NUMBER):
        found[column] = pd.to_numeric(found[column]).astype(float)
    found["is_shadow_defended"] = found["shadow_pool"].notna()
    found["is_rehearsal"] = found["is_rehearsal"].eq(True)  # missing in old runs
    names = {_key_of(one.cell): one.name for one in plan.cells}
    found["artifact"] = [names.get(_key(row)) for row in found[list(_SPEC)].to_dict("records")]
    return found


def of_grid(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Keep the rows that a grid shows."""
    return rows[np.array([name in str(names).split(";") for names in rows["grids"]], dtype=bool)]


def usual(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the cells in which nothing departs from the paper but the preset."""
    kept = rows[[*_MAYBE_NUMBER, *_MAYBE_TEXT]].isna().all(axis=1) & ~rows["is_rehearsal"]
    for column, value in _USUAL.items():
        kept &= rows[column] == value
    return rows[kept]


def varied(rows: pd.DataFrame) -> list[str]:
    """Give the settings, of attack, data or recommenders, that are not the same in all rows."""
    found = [column for column in _SPEC if column not in (*_SIDES, "seed")]
    return [column for column in found if rows[column].nunique(dropna=False) > 1]


def prepare_qualities(qualities: pd.DataFrame) -> pd.DataFrame:
    """Give every column that the table of hit rates groups by."""
    needed = ("grids", "dataset", "algorithm", "part", "settings", "seed", "k", "published", "n_users")
    return qualities.reindex(columns=[*dict.fromkeys([*needed, *qualities.columns])])


def departures(row: dict[Any, Any]) -> list[tuple[str, object]]:
    """Give what departs from the paper's setting in one row: column and value."""
    found: list[tuple[str, object]] = [
        (name, row[name]) for name, value in _USUAL.items() if row[name] != value
    ]
    return found + [
        (name, row[name]) for name in ("known_history", "n_shadow_users", "pool") if not isnan(row[name])
    ]


def same_sides(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the cells of assumption I: shadow and target share dataset and algorithm."""
    same_data = rows["shadow_dataset"] == rows["target_dataset"]
    return rows[same_data & (rows["shadow_algorithm"] == rows["target_algorithm"])]


def diagonal(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep assumption I in the paper's setting; in a run that lacks it, the last setting of each side."""
    own = same_sides(rows)
    if not usual(own).empty:
        return usual(own)
    return own.drop_duplicates(["target_dataset", "target_algorithm", "preset", "seed"], keep="last")


def by(rows: pd.DataFrame, *columns: str) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    """Give the rows of each combination of values, in the order in which they first appear."""
    for key, group in rows.groupby(list(columns), sort=False, dropna=False):
        yield (key if isinstance(key, tuple) else (key,)), group


def scope(rows: pd.DataFrame) -> str:
    """Say on what a figure stands: users, division, seeds, and what departs from the paper's setting."""
    if rows.empty:
        return "Nothing was measured."
    others = counts(rows["non_members"])
    parts = [
        f"{counts(rows['members'])} members and {others} others are judged per cell and seed",
        f"divided {' and '.join(division_name(one) for one in rows['division'].unique())}",
        seeds(rows["seed"]),
    ]
    if rows["is_rehearsal"].any():
        parts.append("on the attacker's own shadow part (a rehearsal)")
    for column, words in (("k", "k ="), ("length", "l =")):
        values = rows[column].unique()
        if len(values) == 1:
            parts.append(f"{words} {axis_value(column, values[0])}")
    return "; ".join(parts) + "."


def seeds_told(rows: pd.DataFrame, one: str) -> str:
    """Say what a spread is: `one` where there is a single seed, the ends over seeds otherwise."""
    n = rows["seed"].nunique()
    return one if n < 2 else f"mean over {plural(n, 'seed')} and the smallest and largest of them"


def _key(row: dict[Any, Any]) -> tuple[object, ...]:
    return tuple(_known(row[column]) for column in _SPEC)


def _key_of(cell: Cell) -> tuple[object, ...]:
    plain: dict[Any, Any] = {
        "shadow_dataset": cell.shadow.dataset,
        "shadow_algorithm": cell.shadow.algorithm.value,
        "shadow_pool": cell.shadow.pool,
        "target_dataset": cell.target.dataset,
        "target_algorithm": cell.target.algorithm.value,
        "pool": cell.target.pool,
        "shadow_settings": cell.shadow.settings,
        "target_settings": cell.target.settings,
    }
    plain |= {column: getattr(cell, column) for column in _SPEC if column not in plain}
    return _key(plain)


def _known(value: Any) -> object:  # noqa: ANN401 - what a frame or a spec holds
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    return float(value) if isinstance(value, int | float | np.number) else str(value)
