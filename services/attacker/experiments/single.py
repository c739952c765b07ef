"""One cell by itself, with the same artefacts as in a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.attacker.experiments.cells import Cell
from services.attacker.experiments.materials import code_hash
from services.attacker.experiments.results import cell_row
from services.attacker.experiments.runs import plan_cells, read_datasets, versions
from services.attacker.experiments.scheduling import run_jobs
from services.attacker.experiments.session import Follower, Workshop, check_data


@dataclass(frozen=True)
class CellResult:
    """A cell and what came out.

    figures  as in results.csv
    data     name of the stored interactions, which is their content's, by dataset
    """

    cell: Cell
    figures: Mapping[str, Any]
    data: Mapping[str, str]

    def to_plain(self) -> dict[str, Any]:
        """Give all of it, with what it depends on besides, as plain data."""
        return {
            "code": self.cell.code,
            "spec": self.cell.to_plain(),
            "figures": dict(self.figures),
            "data": dict(self.data),
            "program": code_hash(),
            "versions": versions(),
        }


def run_single(
    cell: Cell,
    shop: Workshop,
    *,
    data_dir: Path | None,
    follower: Follower,
    should_stop: Callable[[], bool],
) -> CellResult:
    """Run one cell.

    Raises NotFound for a dataset that is missing, before anything is made; the error of what failed;
    JobStopped if asked to stop: what is stored is kept.
    """
    names = {cell.shadow.dataset, cell.target.dataset}
    check_data(names, data_dir)
    data = read_datasets(names, store=shop.store, engine=shop.engine, data_dir=data_dir)
    plan = plan_cells({cell: ("cell",)}, store=shop.store, data=data)
    follower.planned(plan.jobs, {job.name for job in plan.jobs if shop.store.has(job.name)})
    failures = run_jobs(
        plan.jobs,
        store=shop.store,
        engine=shop.engine,
        n_slots=shop.n_slots,
        observer=follower,
        should_stop=should_stop,
    )
    for error in failures.values():
        raise error
    return CellResult(cell, cell_row(plan.cells[0], shop.store), data)
