"""A run whose figures are made up: planned, stored and written as a real one, but nothing is trained."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.attacker.experiments import results
from services.attacker.experiments.grids import Grid
from services.attacker.experiments.report.document import write_report
from services.attacker.experiments.runs import Plan, PlannedCell, RunSpec, plan_run
from shared.artifacts import Artifact, ArtifactStore, Plain
from shared.randomness import rng_for

DATA = {"adm": "interactions-a", "lastfm-2k": "interactions-l", "ml-1m": "interactions-m"}
ALL_PAIRS = tuple((shadow, target) for shadow in DATA for target in DATA)
SAME = tuple((name, name) for name in DATA)

Change = Callable[[PlannedCell], dict[str, Any]]


def grid(name: str, **fields: Any) -> Grid:
    """Declare a grid over the three datasets."""
    declared = {"title": f"Title of {name}", "about": "About it.", "datasets": SAME} | fields
    return Grid.model_validate({"name": name} | declared)


TABLES = grid("tables", presets=["ccs21", "difference"])
ACROSS = grid("across", datasets=tuple(pair for pair in ALL_PAIRS if pair[0] != pair[1]))
LENGTHS = grid("k", algorithms="same", x="k", vary={"k": [1, 100]})
DIVISIONS = grid("split", algorithms="same", x="division", vary={"division": ["by-interaction", "by-user"]})
POOLS = grid(
    "pools", algorithms="same", x="pool", vary={"pool": [0, 200], "is_shadow_defended": [False, True]}
)
QUALITY = grid("quality", kind="hit-rate", algorithms="same")


def figures(seed: int) -> dict[str, Any]:
    """Make up what a cell would store: an attack that finds most members."""
    row: dict[str, Any] = {
        "auc": 0.9 + 0.01 * seed, "auc_low": 0.85, "auc_high": 0.95, "balanced_accuracy": 0.8,
        "members": 50, "non_members": 50, "smallest_fpr": 0.02, "null_low": 0.4, "null_high": 0.6,
        "p_value": 0.001, "coverage_catalogue": 0.5, "coverage_histories": 0.75, "coverage_lists": 1.0,
        "coverage_unknown_items": 0,
    }  # fmt: skip
    for name, value in {"random_guess": 0.5, "list_form": 0.5, "identical_lists": 1.0}.items():
        row[f"baseline_{name}_auc"] = value
    row |= {"baseline_popular_overlap_auc": 0.99, "baseline_history_only_auc": 0.51}
    for rate in ("0.1", "0.01", "0.001"):
        at = f"tpr_at_fpr_{rate}"
        row |= {at: 0.5, f"{at}_low": 0.4, f"{at}_high": 0.6, f"{at}_is_resolved": rate == "0.1"}
    return row


class MemoryStore(ArtifactStore):
    """Artefacts in memory: hundreds of made-up ones need no disk."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self._kept: dict[str, Artifact] = {}

    def has(self, name: str) -> bool:
        return name in self._kept

    def put(self, name: str, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Plain]) -> None:
        self._kept.setdefault(name, Artifact(arrays, meta))

    def get(self, name: str) -> Artifact:
        return self._kept[name]

    def delete(self, name: str) -> None:
        del self._kept[name]


class World:
    """A folder with a finished run."""

    def __init__(self, root: Path, grids: Sequence[Grid], seeds: Sequence[int] = (0,)) -> None:
        self.root, self.folder = root, root / "run"
        self.grids = list(grids)
        self.store = MemoryStore()
        self.plan: Plan = plan_run(self.grids, seeds, store=self.store, data=DATA)
        RunSpec("made-up", tuple(seeds), None, tuple(self.grids)).save(self.folder, data=DATA)

    def fill(
        self, *, change: Change = lambda _: {}, without: Callable[[PlannedCell], bool] = lambda _: False
    ) -> "World":
        """Store figures for all cells but those `without`, some of them changed, and write the tables."""
        for number, planned in enumerate(self.plan.cells):
            if without(planned):
                continue
            self._store_cell(planned, number, change(planned))
        for quality in self.plan.qualities:
            rates = {
                f"{who}_{held}_out{end}": 0.4
                for who in ("model", "popularity")
                for held in ("one", "fifth")
                for end in ("", "_low", "_high")
            }
            self.store.put(quality.plan.name, {}, rates | {"n_users": 50, "seconds": 2.0})
        results.write(self.folder, self.plan, self.store)
        return self

    def _store_cell(self, planned: PlannedCell, number: int, changes: dict[str, Any]) -> None:
        is_member = np.arange(100) % 2 == 0
        arrays = {
            "fpr": np.array([0.0, 0.0, 0.1, 1.0]),
            "tpr": np.array([0.0, 0.5, 0.9, 1.0]),
            "picture": rng_for(number).normal(size=(100, 2)).astype(np.float32),
            "is_member": is_member,
        }
        control = {"control_auc": changes.pop("control_auc", 1.0)}
        self.store.put(planned.name, arrays, {"row": figures(planned.cell.seed) | changes, "seconds": 1.5})
        self.store.put(planned.control, {}, {"row": control})

    def report(self) -> str:
        """Write the report and read it."""
        return write_report(self.folder, self.plan, self.store, grids=self.grids).read_text()
