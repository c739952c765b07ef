"""What `recleak experiment` and `recleak cell` print."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table

from lab.consoles import out, say_json
from lab.tables import NOTHING, UNRESOLVED, pairs_table
from services.attacker.experiments import results
from services.attacker.experiments.cells import Cell
from services.attacker.experiments.grids import Grid, grid_folder, load_grids
from services.attacker.experiments.matrix import variation_of
from services.attacker.experiments.session import Standing, find_grids, missing_data, names_of, standing
from services.attacker.experiments.single import CellResult
from services.attacker.experiments.tally import total
from shared.artifacts import ArtifactStore

_FPRS = ("0.1", "0.01", "0.001")


def print_grids(*, as_json: bool) -> None:
    """List the experiments that there are."""
    grids = load_grids(grid_folder())
    if as_json:
        say_json(json.dumps([_described(grid) for grid in grids.values()], indent=2))
        return
    table = _table("name", "cells per seed", "what")
    for name, grid in grids.items():
        table.add_row(name, str(_described(grid)["cells"]), grid.title)
    out().print(table)


def print_grid(name: str, data_dir: Path, *, as_json: bool) -> None:
    """Describe an experiment, and say which of its data sets are missing."""
    name, grids = find_grids(name)
    if as_json:
        say_json(json.dumps([grid.model_dump(mode="json") for grid in grids], indent=2))
        return
    missing = missing_data(names_of(grids), data_dir)
    needed = sorted(names_of(grids))
    console = out()
    for grid in grids:
        pairs = [
            ("experiment", grid.name),
            ("title", grid.title),
            ("about", grid.about),
            ("cells", f"{_described(grid)['cells']} per seed"),
            ("presets", ", ".join(grid.presets) if grid.kind == "attack" else NOTHING),
        ]
        console.print(pairs_table(pairs))
        console.print()
    shown = ", ".join(f"{one} (missing)" if one in missing else one for one in needed)
    console.print(pairs_table([("data sets", shown)]))


def print_status(folder: Path, artifacts: Path | None, *, as_json: bool) -> None:
    """Say where a run stands."""
    found = standing(folder, None if artifacts is None else ArtifactStore(artifacts))
    whole = total(found.counts)
    if as_json:
        counts = {kind: vars(one) for kind, one in found.counts.items()}
        about = {
            "experiment": found.saved.spec.experiment,
            "seeds": list(found.saved.spec.seeds),
            "state": _state(found),
            "jobs": counts,
            "failures": dict(found.failures),
            "data": dict(found.saved.data),
            "is_current": found.is_current,
        }
        say_json(json.dumps(about, indent=2))
        return
    pairs = [
        ("experiment", found.saved.spec.experiment),
        ("seeds", _ranges(found.saved.spec.seeds)),
        ("state", _state(found)),
        ("jobs", f"{whole.done} of {whole.total} done"),
        *((f"  {kind}", f"{one.done} of {one.total}") for kind, one in found.counts.items()),
        ("failures", str(len(found.failures))),
    ]
    if not found.is_current:
        pairs.append(("program", "another than this one; a resume makes its figures anew"))
    console = out()
    console.print(pairs_table(pairs))
    for label, why in found.failures.items():
        console.print(f"{label}: {why}", markup=False, soft_wrap=True)


def print_comparison(a: Path, b: Path, rows: int, *, as_json: bool) -> None:
    """Put two runs side by side, the largest changes first."""
    (old, _), (new, _) = results.read(a), results.read(b)
    both = results.compare(old, new)
    order = both["auc_change"].abs().sort_values(ascending=False, kind="stable").index
    both = both.loc[order]
    if as_json:
        say_json(both.to_json(orient="records", double_precision=15, indent=2))
        return
    table = _table("cell", "seed", "AUC a", "AUC b", "change", "bal. acc. a", "bal. acc. b", "change")
    for row in ({str(k): v for k, v in one.items()} for one in both.head(rows).to_dict("records")):
        figures = [
            _three(row[f"{figure}_{one}"], sign=one == "change")
            for figure in ("auc", "balanced_accuracy")
            for one in ("old", "new", "change")
        ]
        table.add_row(_label(row), str(row["seed"]), *figures)
    console = out()
    if len(both) and rows:
        console.print(table)
    n_same = int((both["auc_change"] == 0).sum())
    largest = f", largest change of AUC {both['auc_change'].abs().max():.4f}" if len(both) else ""
    console.print(
        f"{len(both)} cells in both, {n_same} with the same AUC{largest}; "
        f"only in a: {len(old) - len(both)}, only in b: {len(new) - len(both)}",
        markup=False,
    )


def print_cell(result: CellResult) -> None:
    """Print a cell's figures, the published one beside what its code computes."""
    row, cell = result.figures, result.cell
    console = out()
    console.print(
        pairs_table(
            [
                ("cell", f"{cell.label}, seed {cell.seed}"),
                ("shadow", f"{cell.shadow.algorithm} on {cell.shadow.dataset}"),
                ("target", f"{cell.target.algorithm} on {cell.target.dataset}"),
                ("judged", f"{row['members']:,} members, {row['non_members']:,} non-members"),
            ]
        )
    )
    table = _table("figure", "here", "published")
    published = _three(row["published"])
    interval = f"\\[{_three(row['auc_low'])}, {_three(row['auc_high'])}]"
    table.add_row("ROC AUC", f"{_three(row['auc'])} {interval}", NOTHING)
    table.add_row("balanced accuracy", _three(row["balanced_accuracy"]), published)
    for fpr in _FPRS:
        mark = "" if row[f"tpr_at_fpr_{fpr}_is_resolved"] else UNRESOLVED
        table.add_row(f"TPR at FPR {fpr}", _three(row[f"tpr_at_fpr_{fpr}"]) + mark, NOTHING)
    for name in (one for one in row if one.startswith("baseline_")):
        what = name.removeprefix("baseline_").removesuffix("_auc").replace("_", " ")
        table.add_row(f"AUC of the baseline {what}", _three(row[name]), NOTHING)
    null = f"{_three(row['null_low'])} to {_three(row['null_high'])}"
    table.add_row("AUC with shuffled labels, 95 %", null, NOTHING)
    table.add_row("AUC of a target built to leak", _three(row["control_auc"]), NOTHING)
    console.print(table)
    for note in _notes(cell, row):
        console.print(note, style="dim", markup=False)


def _notes(cell: Cell, row: Any) -> list[str]:  # noqa: ANN401 - a row of results.csv
    notes = []
    if row["published"] is not None:
        notes.append(
            "The paper calls its figure AUC; its code computes balanced accuracy, so it stands beside that."
        )
    elif cell.variation:
        notes.append("Nothing published: these are not the paper's settings.")
    if not all(row[f"tpr_at_fpr_{fpr}_is_resolved"] for fpr in _FPRS):
        notes.append(f"{UNRESOLVED} not resolved, TPR at FPR 0 instead: too few non-members.")
    return notes


def _described(grid: Grid) -> dict[str, Any]:
    """Say what a grid is; a collection has the cells of those it runs, each once."""
    parts = find_grids(grid.name)[1] if grid.kind == "collection" else (grid,)
    cells = {cell for part in parts for cell in part.cells((0,))}
    return {
        "name": grid.name,
        "title": grid.title,
        "kind": grid.kind,
        "cells": len(cells) + sum(part.n_cells for part in parts if part.kind == "hit-rate"),
        "datasets": sorted(names_of(parts)),
    }


def _state(found: Standing) -> str:
    whole = total(found.counts)
    if found.is_running:
        return "running"
    if whole.done == whole.total:
        return "done"
    return "stopped, with failures" if found.failures else "stopped"


def _label(row: Mapping[str, Any]) -> str:
    varied = (f"{name} {value}" for name, value in variation_of(row).items())
    return ", ".join([f"{row['code']} {row['preset']}", *varied])


def _three(value: float | None, *, sign: bool = False) -> str:
    if value is None or pd.isna(value):
        return NOTHING
    return f"{value:+.3f}" if sign else f"{value:.3f}"


def _ranges(seeds: Sequence[int]) -> str:
    is_run = len(seeds) > 1 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds)))
    return f"{seeds[0]} to {seeds[-1]}" if is_run else ", ".join(map(str, seeds))


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 or column == "what" else "right")
    return table
