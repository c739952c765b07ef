"""The reading: its sentences follow from the figures and turn with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from services.attacker.experiments import results
from services.attacker.experiments.report.reading import reading
from services.attacker.experiments.report.selection import prepare, prepare_qualities
from services.attacker.experiments.runs import PlannedCell
from tests.attacker.experiments.report_world import ACROSS, DIVISIONS, POOLS, QUALITY, TABLES, World, grid

Text = Callable[..., str]


@pytest.fixture
def text(tmp_path: Path) -> Text:
    """Read a made-up run; `change` says what a planned cell has instead."""

    def read(
        *grids: Any, seeds: tuple[int, ...] = (0,), failures: dict[str, str] | None = None, **given: Any
    ) -> str:
        world = World(tmp_path, grids, seeds).fill(**given)
        cells, qualities = results.read(world.folder)
        rows: pd.DataFrame = prepare(cells, world.plan)
        topics = reading(rows, prepare_qualities(qualities), failures or {}, len(world.plan.cells))
        return " ".join(sentence for topic in topics for sentence in topic.sentences)

    return read


def test_perfect_identical_lists_are_a_leak_of_the_serving_policy(text: Text) -> None:
    found = text(TABLES)

    assert "reaches ROC AUC 1.000 against all 9 undefended targets" in found
    assert "the serving policy, not memorization" in found


def test_without_identical_lists_nothing_is_said_of_the_policy(text: Text) -> None:
    found = text(TABLES, change=lambda _: {"baseline_identical_lists_auc": 0.6})

    assert "the serving policy" not in found
    assert "reaches ROC AUC 0.600 against 9 undefended targets" in found
    assert "no evidence of memorization" not in found


def test_one_target_without_shared_lists_is_counted(text: Text) -> None:
    def change(one: PlannedCell) -> dict[str, Any]:
        return {"baseline_identical_lists_auc": 0.7} if one.cell.target.code == "LN" else {}

    assert "against 8 of 9 undefended targets" in text(TABLES, change=change)


def test_controls_that_hold_are_said_to_hold(text: Text) -> None:
    found = text(TABLES)

    assert "ccs21: the positive control is above 0.95 in all 27 cells and seeds" in found
    assert "contains 0.5 in 54 of 54 cells and seeds: the evaluation itself is not biased" in found


def test_a_failed_positive_control_is_named_with_its_shadow(text: Text) -> None:
    def change(one: PlannedCell) -> dict[str, Any]:
        is_on_adm = one.cell.shadow.dataset == "adm"  # all algorithms of a shadow share one control
        return {"control_auc": 0.6} if is_on_adm and one.cell.preset == "ccs21" else {}

    found = text(TABLES, change=change)

    assert "the positive control fails in 9 of 27 (the lowest is 0.600; shadow: Item on ADM" in found
    assert "a low figure says nothing about the target" in found


def test_a_failed_negative_control_forbids_the_figure(text: Text) -> None:
    def change(one: PlannedCell) -> dict[str, Any]:
        return {"null_low": 0.51} if one.cell.code == "MIMI" and one.cell.preset == "ccs21" else {}

    assert "53 of 54 cells and seeds; it does not in MIMI, whose figures must not be used" in text(
        TABLES, change=change
    )


def test_cells_below_the_publication_are_named(text: Text) -> None:
    """Every cell is 1.000 but one; published there: 0.998."""
    found = text(TABLES, change=lambda one: {"auc": 0.9 if one.cell.code == "MIMI" else 1.0})

    assert "difference: by ROC AUC, 26 of 27 cells" in found
    assert "MIMI 0.900 (0.998)" in found


def test_one_verdict_for_all_is_told_from_scores_that_do_not_separate(text: Text) -> None:
    found = text(TABLES, change=lambda _: {"balanced_accuracy": 0.5, "auc": 0.99})

    assert "In 27 of those the ROC AUC is above 0.9: the scores separate, the threshold does not" in found


def test_under_assumption_iii_figures_below_chance_are_counted(text: Text) -> None:
    def change(one: PlannedCell) -> dict[str, Any]:
        return {"auc": 0.2} if one.cell.target.code == "AI" else {}

    assert "Under III, 6 of 54 ROC AUCs are below 0.5" in text(grid("all"), ACROSS, change=change)


@pytest.mark.parametrize(
    ("by_user", "told"),
    [
        (0.95, "Nowhere is it lower by user"),
        (0.89, "small, so people who recur in both parts are not what the attack lives on"),
        (0.60, "there the division matters"),
    ],
)
def test_the_two_divisions_are_compared(text: Text, by_user: float, told: str) -> None:
    """By interaction all targets stand at 0.900."""
    assert told in text(
        DIVISIONS, change=lambda one: {"auc": by_user} if one.cell.division == "by-user" else {}
    )


def test_a_defense_that_turns_the_direction_is_no_protection(text: Text) -> None:
    def change(one: PlannedCell) -> dict[str, Any]:
        if one.cell.target.pool is None:
            return {}
        return {"auc": 0.98 if one.cell.shadow.pool else 0.1, "baseline_identical_lists_auc": 0.5}

    found = text(POOLS, change=change)

    assert "counting identical lists falls to 0.500" in found
    assert "9 of 9 figures are below 0.5, which is no protection" in found
    assert "turned round would give up to 0.900" in found
    assert "One whose shadow is defended alike reaches 0.980" in found


def test_rates_that_no_cell_resolves_are_not_reported(text: Text) -> None:
    found = text(TABLES)

    assert "No cell of difference resolves 1\N{NO-BREAK SPACE}% FPR" in found
    assert "finds" not in found.split("No cell of difference")[1]


def test_hit_rates_stand_beside_popularity_and_the_publication(text: Text) -> None:
    """All recommenders have 0.4, and popularity too; published are 0.116 to 0.951."""
    found = text(QUALITY)

    assert "9 of 9 recommenders have at least the HR of the popularity ranking" in found
    assert "3 of 9 recommenders come within" in found
    assert "Item on ml-1m 0.400 and 0.400 (0.947)" in found


def test_failures_and_missing_cells_are_told(text: Text) -> None:
    found = text(
        TABLES, without=lambda one: one.cell.code == "AIAI", failures={"AIAI difference, seed 0": "no"}
    )

    assert "2 planned cells of 54 have no figure" in found
    assert "1 job failed: AIAI difference, seed 0" in found


def test_one_seed_says_that_it_is_one(text: Text) -> None:
    assert "It has one seed (seed 0)" in text(TABLES)


def test_several_seeds_do_not(text: Text) -> None:
    assert "It has one seed" not in text(TABLES, seeds=(0, 1))
