"""A whole attack without a network: certain where the leak is planted, at chance where there is none."""

from functools import cache

import numpy as np
import pytest

from services.attacker.answers import Answers
from services.attacker.attack.controls import built_to_leak
from services.attacker.evidence import (
    AttackPlan,
    Evidence,
    Scored,
    baseline_scores,
    coverage,
    features,
    gather,
    score,
    train,
)
from services.attacker.judgement import judge
from services.attacker.worlds import (
    ItemKnowledge,
    PublicData,
    Shadow,
    ShadowPlan,
    build_shadow,
    judged_from_dataset,
    learn_items,
)
from shared.attacks import AttackPreset, Factorization, RankWeights
from shared.datasets.splits import DivisionSpec
from shared.interactions import Ids, Interactions
from shared.progress import SILENT
from shared.recommenders.base import Algorithm
from shared.recommenders.served import ColdStart

DATA = PublicData("synthetic:users=300,items=300,history=80,seed=1", DivisionSpec(), None)
K = 20
PRESETS = pytest.mark.parametrize("preset", list(AttackPreset))


@cache
def items() -> ItemKnowledge:
    return learn_items(DATA, length=16, factorization=Factorization.SVD, seed=0, progress=SILENT)


@cache
def shadow() -> Shadow:
    plan = ShadowPlan(DATA, Algorithm.ITEM, {}, ColdStart.POPULAR, K, seed=0)
    return build_shadow(plan, progress=SILENT)


@cache
def leaky_shadow() -> Shadow:
    """A shadow of a service that hands members' histories back to them."""
    users, is_member = shadow().users, shadow().is_member
    popular = np.argsort(-items().item_counts)[:K]
    rng = np.random.default_rng(7)
    return Shadow(built_to_leak(users.histories, is_member, popular, k=K, rng=rng), is_member)


@cache
def judged() -> Interactions:
    return judged_from_dataset(DATA, limit=None, seed=0, progress=SILENT)


def answers(is_personal, *, seed=0):
    """Own items for some users, one shared list for all others."""
    rng = np.random.default_rng(seed)
    shared_list = judged().item_ids.names_of(np.argsort(-judged().item_counts)[:K])
    histories = judged().histories

    def own(row):
        items = histories.indices[histories.indptr[row] : histories.indptr[row + 1]]
        return judged().item_ids.names_of(rng.permutation(items)[:K])

    lists = [own(row) if personal else shared_list for row, personal in enumerate(is_personal)]
    return Answers.from_names(lists, k=K)


def attack(given, *, preset=AttackPreset.DIFFERENCE, seed=0, by=shadow):
    plan = AttackPlan(preset, RankWeights.LINEAR, seed)
    world = gather(judged(), given, items())
    model = train(features(by().users, items(), plan), by(), plan, progress=SILENT)
    return score(
        model,
        features(world.users, world.items, plan),
        judged=world,
        shadow=by(),
        shadow_items=items(),
        plan=plan,
        progress=SILENT,
    )


def verdict(evidence: Evidence, is_member):
    world = gather(judged(), answers(is_member), items())
    return judge(
        evidence,
        is_member,
        preset=AttackPreset.DIFFERENCE,
        split=DATA.split,
        covered=coverage(world),
        seed=0,
    )


def coin(seed):
    return np.random.default_rng(seed).permutation(np.arange(judged().n_users) % 2 == 0)


def test_a_planted_leak_is_found():
    is_member = coin(0)

    found = verdict(attack(answers(is_member), by=leaky_shadow), is_member)

    assert found.figures.auc > 0.999
    assert found.figures.balanced_accuracy > 0.95
    assert found.controls.built_to_leak.auc > 0.999
    assert found.baselines["identical lists"].auc == 1.0


@PRESETS
def test_where_lists_know_nothing_of_membership_no_interval_excludes_chance(preset):
    """Lists and membership by two coins; over five worlds at most one 95 % interval may miss 0.5."""
    misses = 0
    for seed in range(5):
        is_member = coin(seed)
        low, high = verdict(attack(answers(coin(100 + seed)), preset=preset), is_member).figures.auc_interval
        misses += not low <= 0.5 <= high

    assert misses <= 1


def test_the_negative_control_contains_chance_though_the_attack_succeeds():
    is_member = coin(0)

    control = verdict(attack(answers(is_member), by=leaky_shadow), is_member).controls.shuffled_labels

    assert control.interval[0] < 0.5 < control.interval[1]
    assert control.p_value < 0.01


def test_same_seed_same_bytes_other_seed_other_bytes():
    given = answers(coin(0))

    first, again, other = attack(given), attack(given), attack(given, seed=1)

    assert first.seal() == again.seal()
    assert first.seal() != other.seal()


def test_the_seal_breaks_when_one_score_moves():
    evidence = attack(answers(coin(0)))
    moved = evidence.attack.scores.copy()
    moved[3] = np.nextafter(moved[3], np.inf)

    tampered = Evidence(
        Scored(moved, evidence.attack.threshold), evidence.baselines, evidence.control, evidence.control_truth
    )

    assert tampered.seal() != evidence.seal()


def test_items_never_seen_before_keep_their_places():
    """A list with unknown items stays in order and length; the unknown count as zero vectors."""
    known = judged().item_ids.names[0]
    given = Answers.from_names([["new", known]] + [["new"]] * (judged().n_users - 1), k=2)

    world = gather(judged(), given, items())

    assert world.items.item_ids.names_of(world.users.lists.of(0)) == ["new", known]
    assert (world.items.vectors[world.items.item_ids.row_of("new")] == 0).all()
    assert coverage(world).unknown_items == judged().n_users


def test_coverage_by_hand():
    knowledge = ItemKnowledge(
        Ids(("a", "b")), np.ones((2, 1), np.float32), np.array([True, False]), np.array([1, 0])
    )
    world = gather(
        Interactions.from_pairs([("u", "a"), ("u", "b"), ("v", "c"), ("v", "a")]),
        Answers.from_names([["b", "c"], ["a"]], k=2),
        knowledge,
    )

    shares = coverage(world)

    assert (shares.catalogue, shares.histories, shares.unknown_items) == (0.5, 0.5, 1)
    assert shares.lists == pytest.approx(1 / 3)


def test_stored_worlds_are_the_same():
    assert ItemKnowledge.from_arrays(items().to_arrays()).item_ids == items().item_ids
    again = Shadow.from_arrays(shadow().to_arrays())
    assert (again.users.lists.items == shadow().users.lists.items).all()
    assert (again.users.histories != shadow().users.histories).nnz == 0
    assert (again.is_member == shadow().is_member).all()


def test_shadow_is_half_members_and_serves_strangers_one_list():
    others = shadow().users.take(np.flatnonzero(~shadow().is_member))

    assert shadow().is_member.mean() == 0.5
    assert len(np.unique(others.lists.items, axis=0)) == 1


def test_every_baseline_has_a_threshold_from_the_shadow():
    world = gather(judged(), answers(coin(0)), items())

    found = baseline_scores(world, shadow(), items(), seed=0)

    assert all(one.threshold is not None and len(one.scores) == judged().n_users for one in found.values())


def test_a_limited_number_of_judged_users_is_a_repeatable_draw():
    few = judged_from_dataset(DATA, limit=10, seed=0, progress=SILENT)
    again = judged_from_dataset(DATA, limit=10, seed=0, progress=SILENT)

    assert few.n_users == 10
    assert few.user_ids == again.user_ids
    assert all(name in judged().user_ids for name in few.user_ids.names)
