"""A run: some grids, some seeds, one folder; it can be killed at any moment and taken up again."""

import json
import platform
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from services.attacker.attack.registry import PRESETS
from services.attacker.experiments.cell_run import CellMaterials, run_cell, run_control
from services.attacker.experiments.cells import Cell, Part, Side
from services.attacker.experiments.failures import Failures, write_whole
from services.attacker.experiments.grids import Grid
from services.attacker.experiments.materials import (
    DataPlan,
    QualityPlan,
    VectorPlan,
    code_hash,
    make_recommender,
    make_vectors,
    measure_quality,
    recommender_plan,
    store_data,
)
from services.attacker.experiments.scheduling import Job, Observer, run_jobs
from shared.artifacts import ArtifactStore, Plain, artifact_name
from shared.attacks import AttackModelKind
from shared.engine.port import Engine
from shared.errors import BadInput, RecLeakError
from shared.recommenders.base import Algorithm

SPEC_FILE = "spec.json"
_PACKAGES = ("numpy", "scipy", "numba", "pandas")
_OF_DIVISION = ("division", "min_interactions")
_SECONDS: Mapping[str, float] = {
    "hit rate": 30,
    "recommender": 10,
    "item vectors": 3,
    "control": 1,
    "cell": 1,
}


@dataclass(frozen=True)
class RunSpec:
    """What a run was asked for.

    grids      as they were when it began; empty = those of that name now
    artifacts  folder of the artefacts
    """

    experiment: str
    seeds: tuple[int, ...]
    data_dir: str | None
    grids: tuple[Grid, ...] = ()
    artifacts: str | None = None

    def save(self, folder: Path, *, data: Mapping[str, str]) -> None:
        """Write it, with everything that its figures depend on besides."""
        about = {
            "experiment": self.experiment,
            "seeds": list(self.seeds),
            "data_dir": self.data_dir,
            "grids": [grid.model_dump(mode="json") for grid in self.grids],
            "artifacts": self.artifacts,
            "data": dict(data),
            "code": code_hash(),
            "versions": versions(),
        }
        write_whole(folder / SPEC_FILE, json.dumps(about, indent=1, sort_keys=True))

    @staticmethod
    def load(folder: Path) -> "RunSpec":
        """Read what `save` wrote. Raises BadInput if the folder holds no run."""
        return Saved.load(folder).spec


@dataclass(frozen=True)
class Saved:
    """A run's spec as it is stored.

    data  name of the stored interactions, which is their content's, by dataset
    code  hash of the program that the figures come from
    """

    spec: RunSpec
    data: Mapping[str, str]
    code: str
    versions: Mapping[str, str]

    @staticmethod
    def load(folder: Path) -> "Saved":
        """Read what `RunSpec.save` wrote. Raises BadInput if the folder holds no run."""
        try:
            about = json.loads((folder / SPEC_FILE).read_text())
            grids = tuple(Grid.model_validate(grid) for grid in about.get("grids", ()))
            spec = RunSpec(
                about["experiment"],
                tuple(about["seeds"]),
                about["data_dir"],
                grids,
                about.get("artifacts"),
            )
            return Saved(spec, about["data"], about["code"], about["versions"])
        except (OSError, ValueError, KeyError) as error:
            raise BadInput(f"{folder} holds no run of an experiment; give the folder of one") from error


@dataclass(frozen=True)
class PlannedCell:
    """A cell, the grids that show it and the artefacts with its figures."""

    cell: Cell
    grids: tuple[str, ...]
    name: str
    control: str
    materials: CellMaterials


@dataclass(frozen=True)
class PlannedQuality:
    """A recommender's hit rate, the grids that show it and the artefact."""

    plan: QualityPlan
    side: Side
    grids: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Everything a run makes: results, and the jobs that make them."""

    cells: tuple[PlannedCell, ...]
    qualities: tuple[PlannedQuality, ...]
    jobs: tuple[Job, ...]


def versions() -> dict[str, str]:
    """Give the versions of all that figures depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}


def read_data(
    grids: Sequence[Grid], *, store: ArtifactStore, engine: Engine, data_dir: Path | None
) -> dict[str, str]:
    """Read every dataset that the grids name: artefact by dataset; a name is its content's."""
    names = {name for grid in grids for name in grid.dataset_names}
    return read_datasets(names, store=store, engine=engine, data_dir=data_dir)


def read_datasets(
    names: Collection[str], *, store: ArtifactStore, engine: Engine, data_dir: Path | None
) -> dict[str, str]:
    """Read datasets: artefact by dataset; a name is its content's."""
    tasks = {name: engine.submit(store_data, store, DataPlan(name, data_dir)) for name in sorted(names)}
    return {name: task.result() for name, task in tasks.items()}


def plan_run(
    grids: Sequence[Grid], seeds: Sequence[int], *, store: ArtifactStore, data: Mapping[str, str]
) -> Plan:
    """Write out all results of a run and the jobs for them, each once however many grids need it."""
    shown: dict[Cell, list[str]] = {}
    for grid in grids:
        for cell in grid.cells(seeds):
            shown.setdefault(cell, []).append(grid.name)
    plan = plan_cells(shown, store=store, data=data)
    jobs = {job.name: job for job in plan.jobs}
    qualities = _plan_qualities(grids, seeds, jobs, store, data)
    return Plan(plan.cells, qualities, tuple(jobs.values()))


def plan_cells(shown: Mapping[Cell, Sequence[str]], *, store: ArtifactStore, data: Mapping[str, str]) -> Plan:
    """Write out cells, each with the grids that show it, and the jobs for them."""
    jobs: dict[str, Job] = {}
    cells = tuple(_plan_cell(cell, tuple(names), jobs, store, data) for cell, names in shown.items())
    return Plan(cells, (), tuple(jobs.values()))


def execute(
    plan: Plan,
    folder: Path,
    *,
    store: ArtifactStore,
    engine: Engine,
    n_slots: int,
    observer: Observer,
    should_stop: Callable[[], bool],
) -> Mapping[str, RecLeakError]:
    """Make what is not stored yet and write down what failed, also if it is stopped; see `run_jobs`."""
    done = {job.label for job in plan.jobs if store.has(job.name)}
    failures = Failures(folder, observer, done=done)
    try:
        return run_jobs(
            plan.jobs, store=store, engine=engine, n_slots=n_slots, observer=failures, should_stop=should_stop
        )
    finally:
        failures.save()


def _plan_cell(
    cell: Cell, grids: tuple[str, ...], jobs: dict[str, Job], store: ArtifactStore, data: Mapping[str, str]
) -> PlannedCell:
    materials = CellMaterials(
        shadow=_add_recommender(cell, Part.SHADOW, jobs, store, data),
        target=_add_recommender(cell, Part.TARGET, jobs, store, data),
        shadow_items=_add_vectors(cell, cell.shadow.dataset, jobs, store, data),
        target_items=_add_vectors(cell, cell.target.dataset, jobs, store, data),
    )
    needs = tuple(dict.fromkeys(vars(materials).values()))
    about: dict[str, Plain] = {"code": code_hash(), "materials": dict(vars(materials))}
    name = artifact_name("cell", cell=_plain(cell), **about)
    label = f"{cell.label}, seed {cell.seed}"
    jobs[name] = Job(name, label, "cell", run_cell, (store, name, cell, materials), needs, _SECONDS["cell"])
    control = _add_control(cell, materials.shadow_items, jobs, store, data)
    return PlannedCell(cell, grids, name, control, materials)


def _add_control(
    cell: Cell, items: str, jobs: dict[str, Job], store: ArtifactStore, data: Mapping[str, str]
) -> str:
    """Plan the positive control of a cell's attack on its shadow's users.

    It hands histories back, so it needs the users alone and not what they were recommended: the cells of all
    algorithms and defenses share it, on the users of the quickest recommender.
    """
    side = Side(cell.shadow.dataset, Algorithm.ITEM)
    own = replace(cell, shadow=side, target=side, model=AttackModelKind.MLP, is_rehearsal=False)
    users = _add_recommender(own, Part.SHADOW, jobs, store, data)
    materials = CellMaterials(shadow=users, target=users, shadow_items=items, target_items=items)
    name = artifact_name("control", cell=_plain(own), users=users, items=items, code=code_hash())
    label = f"control of {cell.shadow.dataset} {own.label}, seed {cell.seed}"
    arguments = (store, name, own, materials)
    jobs[name] = Job(name, label, "control", run_control, arguments, (users, items), _SECONDS["control"])
    return name


def _add_recommender(
    cell: Cell, part: Part, jobs: dict[str, Job], store: ArtifactStore, data: Mapping[str, str]
) -> str:
    side = cell.shadow if part is Part.SHADOW else cell.target
    plan = recommender_plan(cell, part, data[side.dataset])
    weight = _SECONDS["recommender"] * (3 if side.algorithm is Algorithm.NCF else 1)
    varied = (*_OF_DIVISION, "n_shadow_users") if part is Part.SHADOW else _OF_DIVISION
    label = _label(f"{side.code} {part}", cell, varied)
    made_of, needs = (store, plan.name, plan), (plan.data,)
    jobs[plan.name] = Job(plan.name, label, "recommender", make_recommender, made_of, needs, weight)
    return plan.name


def _add_vectors(
    cell: Cell, dataset: str, jobs: dict[str, Job], store: ArtifactStore, data: Mapping[str, str]
) -> str:
    factorization = cell.factorization or PRESETS[cell.preset].factorization
    plan = VectorPlan(data[dataset], cell.split, cell.length, factorization, cell.seed)
    label = _label(f"item vectors of {dataset}, {cell.length} by {factorization}", cell, _OF_DIVISION)
    weight = _SECONDS["item vectors"]
    made_of, needs = (store, plan.name, plan), (plan.data,)
    jobs[plan.name] = Job(plan.name, label, "item vectors", make_vectors, made_of, needs, weight)
    return plan.name


def _plan_qualities(
    grids: Sequence[Grid],
    seeds: Sequence[int],
    jobs: dict[str, Job],
    store: ArtifactStore,
    data: Mapping[str, str],
) -> tuple[PlannedQuality, ...]:
    planned = []
    for grid in (grid for grid in grids if grid.kind == "hit-rate"):
        for seed in seeds:
            for shadow, target in grid.sides():
                cell = Cell(shadow, target, seed=seed)
                for part, side in ((Part.SHADOW, shadow), (Part.TARGET, target)):
                    recommender = recommender_plan(cell, part, data[side.dataset])
                    plan = QualityPlan(recommender, k=100)
                    _add_quality(plan, f"HR@100 of {side.code} {part}, seed {seed}", jobs, store)
                    planned.append(PlannedQuality(plan, side, (grid.name,)))
    return tuple(planned)


def _add_quality(plan: QualityPlan, label: str, jobs: dict[str, Job], store: ArtifactStore) -> None:
    weight = _SECONDS["hit rate"] * (3 if plan.recommender.algorithm is Algorithm.NCF else 1)
    made_of, needs = (store, plan.name, plan), (plan.recommender.data,)
    jobs[plan.name] = Job(plan.name, label, "hit rate", measure_quality, made_of, needs, weight)


def _label(what: str, cell: Cell, names: Sequence[str]) -> str:
    """Say what a reader calls it; `names` are the settings of the cell that it depends on."""
    varied = (f"{name} {cell.variation[name]}" for name in names if name in cell.variation)
    return ", ".join([what, *varied, f"seed {cell.seed}"])


def _plain(cell: Cell) -> Plain:
    plain: Plain = json.loads(json.dumps(cell.to_plain()))
    return plain
