"""An artefact's name depends on everything that its content depends on: every field, also a new one."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from services.attacker.experiments.cells import Cell, Part, Side
from services.attacker.experiments.materials import (
    DataPlan,
    QualityPlan,
    RecommenderPlan,
    VectorPlan,
    recommender_plan,
    store_data,
)
from services.attacker.experiments.runs import plan_cells
from shared.artifacts import ArtifactStore
from shared.attacks import Factorization
from shared.datasets.splits import DivisionSpec
from shared.progress import SILENT
from shared.recommenders.base import Algorithm

CELL = Cell(Side("adm", Algorithm.LFM), Side("ml-1m", Algorithm.LFM))
RECOMMENDER = recommender_plan(CELL, Part.SHADOW, "interactions-1")
VECTORS = VectorPlan("interactions-1", DivisionSpec(), 100, next(iter(Factorization)), 0)
Plan: TypeAlias = VectorPlan | RecommenderPlan | QualityPlan
PLANS: list[Plan] = [VECTORS, RECOMMENDER, QualityPlan(RECOMMENDER, 100)]


def changed(value: Any) -> Iterator[tuple[str, Any]]:
    """Give every value that differs in one place, with the place."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            for place, other in changed(getattr(value, field.name)):
                yield f"{field.name}.{place}".rstrip("."), replace(value, **{field.name: other})
    elif isinstance(value, tuple):
        yield from changed_settings(value)
    else:
        yield "", changed_value(value)


def changed_value(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return next(one for one in type(value) if one is not value)
    if isinstance(value, bool):
        return not value
    if value is None or isinstance(value, int):
        return (value or 0) + 7
    if isinstance(value, float):
        return value * 2
    if isinstance(value, str):
        return {"adm": "lastfm-2k", "ml-1m": "lastfm-2k"}.get(value, f"{value}7")
    pytest.fail(f"{value!r}: say here how another one is made")


def changed_settings(value: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """Pairs of name and value, as hyperparameters are, or the shares of a division, whose sum must be 1."""
    if not value:
        yield "", (("n_epochs", 7),)
    elif all(isinstance(one, float) for one in value):
        yield "", (0.5, 0.3, 0.2)
    else:
        for number, (name, held) in enumerate(value):
            yield name, (*value[:number], (name, changed_value(held)), *value[number + 1 :])


def named(plan: Any) -> list[Any]:
    return [pytest.param(plan, other, id=f"{type(plan).__name__}.{place}") for place, other in changed(plan)]


@pytest.mark.parametrize(("plan", "other"), [case for plan in PLANS for case in named(plan)])
def test_each_field_of_a_plan_changes_the_name(plan: Plan, other: Plan) -> None:
    assert plan.name == replace(plan).name != other.name


def cell_name(cell: Cell, path: Path, **data: str) -> str:
    held = {name: data.get(name, f"interactions-{name}") for name in ("a", "adm", "lastfm-2k", "ml-1m")}
    held = {name: data.get(name.replace("-", "_"), one) for name, one in held.items()}
    return plan_cells({cell: ("any",)}, store=ArtifactStore(path), data=held).cells[0].name


@pytest.mark.parametrize(("cell", "other"), named(CELL))
def test_each_field_of_a_cell_changes_the_name(cell: Cell, other: Cell, tmp_path: Path) -> None:
    assert cell_name(cell, tmp_path) == cell_name(replace(cell), tmp_path) != cell_name(other, tmp_path)


@pytest.mark.parametrize("dataset", ["adm", "ml_1m"])
def test_other_data_change_the_name(dataset: str, tmp_path: Path) -> None:
    """Of the shadow and of the target."""
    assert cell_name(CELL, tmp_path) != cell_name(CELL, tmp_path, **{dataset: "interactions-2"})


@pytest.mark.parametrize(
    ("place", "is_shared"),
    [("target.algorithm", True), ("model", True), ("target.pool", True), ("preset", False), ("k", False),
     ("shadow.pool", True), ("shadow.algorithm", True), ("length", False), ("weights", False),
     ("seed", False), ("division", False),
     ("known_history", False), ("n_shadow_users", False), ("min_interactions", False)],
)  # fmt: skip
def test_a_control_depends_on_what_an_attacker_does_and_not_on_the_target(
    place: str, is_shared: bool, tmp_path: Path
) -> None:
    other = dict(changed(CELL))[place]
    data = {name: f"interactions-{name}" for name in ("adm", "lastfm-2k", "ml-1m")}

    plan = plan_cells({CELL: ("any",), other: ("any",)}, store=ArtifactStore(tmp_path), data=data)

    assert (plan.cells[0].control == plan.cells[1].control) is is_shared


def test_data_are_named_by_their_content(tmp_path: Path) -> None:
    """Not by what they are called."""
    store = ArtifactStore(tmp_path)
    same = [f"synthetic:users=50,items=90,history=40,seed={seed}" for seed in (1, 2)]

    names = [store_data(store, DataPlan(name, None), progress=SILENT) for name in (*same, same[0])]

    assert names[0] == names[2] != names[1]
