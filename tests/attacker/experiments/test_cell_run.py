"""A cell is the service's attack on a world of ours: what a defense or a cut changes, and nothing else."""

import json
from dataclasses import replace

import numpy as np
import pytest

from services.attacker.experiments.cell_run import _known, _lists
from services.attacker.experiments.cells import Cell, Part, Side
from services.attacker.experiments.grids import Axes, Grid
from services.attacker.experiments.results import collect, compare, over_seeds, summary
from services.attacker.experiments.runs import execute, plan_run, read_data
from services.attacker.worlds import unpack_histories
from shared.artifacts import ArtifactStore
from shared.attacks import AttackModelKind, AttackPreset
from shared.engine.inline import InlineEngine
from shared.recommenders.base import Algorithm

DATA = "synthetic:users=300,items=300,history=80,seed=1"
SIDE = Side(DATA, Algorithm.ITEM)


class Silent:
    def began(self, job):
        pass

    def ended(self, job):
        pass

    def failed(self, job, error):
        raise AssertionError(f"{job.label}: {error}")


def run(tmp_path, grid, seeds=(0,)):
    store, engine = ArtifactStore(tmp_path / "artifacts"), InlineEngine()
    data = read_data([grid], store=store, engine=engine, data_dir=None)
    plan = plan_run([grid], seeds, store=store, data=data)
    execute(
        plan,
        tmp_path,
        store=store,
        engine=engine,
        n_slots=1,
        observer=Silent(),
        should_stop=lambda: False,
    )
    return plan, store


def grid(**changes):
    about = {"name": "own", "title": "t", "about": "a", "algorithms": "same", "datasets": ((DATA, DATA),)}
    return Grid.model_validate(about | changes)


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    """Two k, three attack models, with and without a defense: a dozen cells of each of three algorithms."""
    vary = Axes(k=(5, 20), model=tuple(AttackModelKind), pool=(0, 60))
    plan, store = run(tmp_path_factory.mktemp("studied"), grid(vary=vary))
    cells, qualities, times = collect(plan, store)
    return plan, store, cells, qualities, times


def test_every_cell_has_a_row_with_its_whole_spec(studied):
    plan, _, cells, qualities, times = studied

    assert len(cells) == len(plan.cells) == 36
    assert qualities.empty
    assert len(times) == len(plan.jobs)
    assert cells.published.isna().all()
    assert set(cells.k) == {5, 20}
    assert set(cells.model) == {"mlp", "logistic", "k-means"}


def test_an_undefended_world_is_certain_for_the_blind(studied):
    cells = studied[2]

    assert (cells[cells.pool.isna()].baseline_identical_lists_auc == 1.0).all()
    assert (cells[cells.pool.notna() & (cells.k == 20)].baseline_identical_lists_auc < 0.6).all()


def test_cells_share_what_they_are_made_of(studied):
    """36 cells stand on one shadow and one target for each algorithm, and on one set of item vectors."""
    kinds = [job.kind for job in studied[0].jobs]

    assert kinds.count("recommender") == 6
    assert kinds.count("item vectors") == 1
    assert kinds.count("cell") == 36


def test_the_truth_is_balanced_and_the_null_contains_chance(studied):
    cells = studied[2]

    assert (cells.members == cells.non_members).all()
    assert ((cells.null_low < 0.5) & (cells.null_high > 0.5)).all()


def test_a_picture_has_a_point_for_every_user(studied):
    plan, store, *_ = studied

    arrays = store.get(plan.cells[0].name).arrays

    assert arrays["picture"].shape == (len(arrays["is_member"]), 2)
    assert arrays["fpr"][0] == arrays["tpr"][0] == 0
    assert arrays["fpr"][-1] == arrays["tpr"][-1] == 1


def stored_recommender(studied, part):
    plan, store, *_ = studied
    names = plan.cells[0].materials
    return store.get(names.shadow if part is Part.SHADOW else names.target).arrays


def test_shadow_and_target_are_other_draws_of_other_parts(studied):
    shadow, target = (unpack_histories(stored_recommender(studied, part)) for part in Part)

    assert shadow.shape[1] == target.shape[1]
    assert (shadow.indices[:50] != target.indices[:50]).any()


def test_strangers_share_one_list_or_draw_from_the_pool(studied):
    arrays = stored_recommender(studied, Part.TARGET)
    is_member = np.asarray(arrays["is_member"])
    cell = Cell(SIDE, SIDE, k=10)

    plain = _lists(arrays, is_member, SIDE, cell, Part.TARGET)
    defended = _lists(arrays, is_member, replace(SIDE, pool=40), cell, Part.TARGET)

    assert (plain.items[~is_member] == arrays["popular"][:10]).all()
    assert np.isin(defended.items[~is_member], arrays["popular"][:40]).all()
    assert (defended.items[is_member] == plain.items[is_member]).all()
    assert (plain.items[is_member] == arrays["items"][:, :10]).all()


@pytest.mark.parametrize("known", [1, 7, None])
def test_the_attacker_knows_a_part_of_each_history(studied, known):
    histories = unpack_histories(stored_recommender(studied, Part.TARGET))

    seen = _known(histories, Cell(SIDE, SIDE, known_history=known), Part.TARGET)

    lengths = np.diff(histories.indptr)
    assert (np.diff(seen.indptr) == (lengths if known is None else np.minimum(lengths, known))).all()
    assert (seen.multiply(histories) != seen).nnz == 0


def test_other_seeds_are_other_worlds_with_the_same_names(tmp_path):
    plan, store = run(tmp_path, grid(presets=("ccs21", "difference")), seeds=(0, 1))

    cells, _, _ = collect(plan, store)
    means = over_seeds(cells, ["code", "preset"])

    assert summary(cells)[["code", "preset", "auc"]].equals(means[["code", "preset", "auc"]])
    assert means.n_seeds.tolist() == [2] * 6
    assert (means.auc_min <= means.auc).all() and (means.auc <= means.auc_max).all()
    assert cells[cells.seed == 0].auc.tolist() != cells[cells.seed == 1].auc.tolist()


def test_hit_rates_have_both_protocols_beside_popularity(tmp_path):
    plan, store = run(tmp_path, grid(kind="hit-rate"))

    _, qualities, _ = collect(plan, store)

    assert len(qualities) == 6
    assert (qualities.model_fifth_out >= qualities.model_one_out).all()  # several chances instead of one
    assert {"popularity_one_out", "popularity_fifth_out", "published"} <= set(qualities)


def test_a_run_compared_with_itself_has_no_change(studied):
    cells = studied[2]

    same = compare(cells, cells)

    assert len(same) == len(cells)
    assert (same.auc_change == 0).all()


def test_a_rehearsal_needs_no_target(tmp_path):
    """Both recommenders stand on the shadow part, under two coins; a fifth of the users is judged."""
    plan, store = run(tmp_path, grid(among=("item",), vary=Axes(is_rehearsal=(True,))))

    cells, _, _ = collect(plan, store)
    names = plan.cells[0].materials
    shadow, target = (store.get(name).arrays for name in (names.shadow, names.target))

    assert (np.asarray(shadow["indices"]) == np.asarray(target["indices"])).all()
    assert 0.3 < np.mean(np.asarray(shadow["is_member"]) == np.asarray(target["is_member"])) < 0.7
    assert cells.members[0] + cells.non_members[0] == len(shadow["is_member"]) // 5


def test_failures_are_written_down(studied, tmp_path):
    store, engine = ArtifactStore(tmp_path / "artifacts"), InlineEngine()
    own = grid(vary=Axes(n_shadow_users=(1,)))
    data = read_data([own], store=store, engine=engine, data_dir=None)
    plan = plan_run([own], [0], store=store, data=data)

    class Notes(Silent):
        def failed(self, job, error):
            pass

    failures = execute(
        plan, tmp_path, store=store, engine=engine, n_slots=1, observer=Notes(), should_stop=lambda: False
    )

    told = json.loads((tmp_path / "failures.json").read_text())
    assert len(failures) == len(told)
    assert any("at least 2 users" in sentence for sentence in told.values())
    assert AttackPreset.DIFFERENCE in next(label for label in told if "->" in label)
