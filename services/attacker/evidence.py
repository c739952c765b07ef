"""From answers to scores: features, the trained attack, its baselines and its positive control.

Nothing here knows who is a member of the target. Every function runs in a worker.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.attacker.answers import Answers
from services.attacker.attack import baselines
from services.attacker.attack.baselines import AnsweredUsers
from services.attacker.attack.classifier import AttackModel, train_classifier
from services.attacker.attack.controls import built_to_leak
from services.attacker.attack.features import difference_features
from services.attacker.attack.registry import PRESETS, WEIGHTS
from services.attacker.attack.thresholds import best_threshold
from services.attacker.worlds import ItemKnowledge, Shadow
from shared.arrays import Bools, Histories, Scores, Vectors, content_hash
from shared.attacks import AttackPreset, RankWeights
from shared.interactions import Ids, Interactions, binary_matrix
from shared.progress import Progress
from shared.randomness import rng_for, seed_for


@dataclass(frozen=True)
class AttackPlan:
    """How users become vectors and vectors become scores."""

    preset: AttackPreset
    weights: RankWeights
    seed: int


@dataclass(frozen=True)
class JudgedUsers:
    """The users to judge and their answers, in rows of one catalogue that names every item seen.

    known_before  how many of the catalogue's items the attacker had in its own data
    """

    users: AnsweredUsers
    items: ItemKnowledge
    known_before: int


@dataclass(frozen=True)
class CoverageShares:
    """How much of the judged world the item vectors cover; see `shared.contract.attacker.Coverage`."""

    catalogue: float
    histories: float
    lists: float
    unknown_items: int


@dataclass(frozen=True)
class Scored:
    """One score per user and the line drawn on shadow users.

    scores     (n_users,) float64, larger = member
    threshold  a score above it means member; None where the score has no use for one
    """

    scores: Scores
    threshold: float | None


@dataclass(frozen=True)
class Evidence:
    """All scores of one attack, complete before anybody asks who was a member.

    attack         of the judged users
    baselines      of the judged users, by name
    control        of users of our own, against a recommender built to leak
    control_truth  (n,) bool: which of those we made members
    """

    attack: Scored
    baselines: Mapping[str, Scored]
    control: Scored
    control_truth: Bools

    def seal(self) -> str:
        """Hash everything that was scored."""
        each = [self.attack, *self.baselines.values(), self.control]
        return content_hash(*(one.scores for one in each))


def gather(judged: Interactions, answers: Answers, items: ItemKnowledge) -> JudgedUsers:
    """Bring histories, answers and item knowledge into one catalogue.

    Items that the attacker has never seen get a row of their own: their places in lists and histories count,
    their vectors are zero.
    """
    seen = (judged.item_ids.names[item] for item in np.flatnonzero(judged.item_counts))
    everything = items.extended([*seen, *answers.item_ids.names])
    users = AnsweredUsers(
        _histories_in(judged, everything.item_ids), answers.lists_in(everything.item_ids), answers.is_absent
    )
    return JudgedUsers(users, everything, len(items.item_ids))


def coverage(judged: JudgedUsers) -> CoverageShares:
    """Measure how much the item vectors cover; a world without interactions or lists counts as covered."""
    is_covered = judged.items.is_covered
    listed = judged.users.lists.items[judged.users.lists.is_filled()]
    return CoverageShares(
        catalogue=_share(is_covered[: judged.known_before]),
        histories=_share(is_covered[judged.users.histories.indices]),
        lists=_share(is_covered[listed]),
        unknown_items=int(np.count_nonzero(listed >= judged.known_before)),
    )


def features(users: AnsweredUsers, items: ItemKnowledge, plan: AttackPlan) -> Vectors:
    """Give the plan's user features: (n_users, l) float32."""
    return difference_features(users.histories, users.lists, items.vectors, weigh=WEIGHTS[plan.weights])


def train(shadow_features: Vectors, shadow: Shadow, plan: AttackPlan, *, progress: Progress) -> AttackModel:
    """Train the plan's attack model on the shadow."""
    return train_classifier(
        shadow_features,
        shadow.is_member,
        settings=PRESETS[plan.preset].classifier,
        seed=seed_for(plan.seed, "attack model"),
        progress=progress,
    )


def score(
    model: AttackModel,
    judged_features: Vectors,
    *,
    judged: JudgedUsers,
    shadow: Shadow,
    shadow_items: ItemKnowledge,
    plan: AttackPlan,
    progress: Progress,
) -> Evidence:
    """Score the judged users by the attack and by every baseline, and run the positive control."""
    control, control_truth = positive_control(shadow, shadow_items, plan, progress)
    return Evidence(
        attack=Scored(model.score(judged_features), model.threshold),
        baselines=baseline_scores(judged, shadow, shadow_items, seed=plan.seed),
        control=control,
        control_truth=control_truth,
    )


def baseline_scores(
    judged: JudgedUsers, shadow: Shadow, shadow_items: ItemKnowledge, *, seed: int
) -> dict[str, Scored]:
    """Score the judged users by every baseline; thresholds come from the same score on the shadow."""
    of_shadow = _unlearned(shadow.users, shadow_items, rng_for(seed, "random guess", "shadow"))
    of_judged = _unlearned(judged.users, judged.items, rng_for(seed, "random guess", "judged"))
    of_shadow["history only"], of_judged["history only"] = baselines.logistic_scores(
        baselines.history_features(shadow.users.histories, shadow_items.vectors, shadow_items.item_counts),
        shadow.is_member,
        baselines.history_features(judged.users.histories, judged.items.vectors, judged.items.item_counts),
    )
    return {
        name: Scored(scores, best_threshold(of_shadow[name], shadow.is_member))
        for name, scores in of_judged.items()
    }


def _unlearned(users: AnsweredUsers, items: ItemKnowledge, rng: np.random.Generator) -> dict[str, Scores]:
    return {
        "random guess": baselines.random_guess(users, rng=rng),
        "list form": baselines.list_form(users),
        "identical lists": baselines.identical_lists(users),
        "popular overlap": baselines.popular_overlap(users, items.item_counts),
    }


def positive_control(
    shadow: Shadow, items: ItemKnowledge, plan: AttackPlan, progress: Progress
) -> tuple[Scored, Bools]:
    """Attack a recommender built to leak: train on one half of the shadow's users, score the other half."""
    rng = rng_for(plan.seed, "built to leak")
    histories = shadow.users.histories
    is_member = rng.permutation(np.arange(histories.shape[0]) % 2 == 0)
    popular = np.argsort(-items.item_counts, kind="stable")[: shadow.users.lists.k]
    users = built_to_leak(histories, is_member, popular, k=shadow.users.lists.k, rng=rng)
    halves = np.array_split(rng.permutation(len(is_member)), 2)
    train_half, judged_half = (Shadow(users.take(rows), is_member[rows]) for rows in halves)
    model = train(features(train_half.users, items, plan), train_half, plan, progress=progress)
    scores = model.score(features(judged_half.users, items, plan))
    return Scored(scores, model.threshold), judged_half.is_member


def _histories_in(judged: Interactions, catalogue: Ids) -> Histories:
    rows = np.array([catalogue.row_of(name) or 0 for name in judged.item_ids.names], dtype=np.int64)
    users = np.repeat(np.arange(judged.n_users), judged.history_lengths)
    return binary_matrix(users, rows[judged.histories.indices], (judged.n_users, len(catalogue)))


def _share(is_true: Bools) -> float:
    return float(is_true.mean()) if is_true.size else 1.0
