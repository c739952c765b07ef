"""Run one cell: both worlds are taken from the store, the attack sees the answers, the truth judges it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from services.attacker import evidence
from services.attacker.attack import metrics
from services.attacker.attack.alternatives import fit_k_means, fit_logistic
from services.attacker.attack.baselines import AnsweredUsers
from services.attacker.evidence import AttackPlan, JudgedUsers, Scored
from services.attacker.experiments.cells import Cell, Part, Side
from services.attacker.judgement import N_SHUFFLES, figures
from services.attacker.worlds import ItemKnowledge, Shadow, unpack_histories
from shared.arrays import Bools, Histories, Scores, Vectors
from shared.artifacts import ArtifactStore, Plain
from shared.attacks import AttackModelKind
from shared.contract.attacker import Figures
from shared.defenses.popularity_randomization import randomized_popular_lists
from shared.interactions import binary_matrix
from shared.progress import Progress
from shared.randomness import rng_for, seed_for
from shared.ranked_lists import NO_ITEM, RankedLists


@dataclass(frozen=True)
class CellMaterials:
    """Names of the artefacts that a cell is made of."""

    shadow: str
    target: str
    shadow_items: str
    target_items: str


class Scorer(Protocol):
    """A trained attack model, of whatever kind."""

    @property
    def threshold(self) -> float:
        """A score above it means member."""
        ...

    def score(self, features: Vectors) -> Scores:
        """Score users; larger = member."""
        ...


def run_cell(
    store: ArtifactStore, name: str, cell: Cell, materials: CellMaterials, *, progress: Progress
) -> None:
    """Attack the target of a cell and store its figures, its ROC curve and a picture of its features."""
    started = time.perf_counter()
    shadow, shadow_items = _world(store, materials.shadow, materials.shadow_items, cell, Part.SHADOW)
    target, target_items = _world(store, materials.target, materials.target_items, cell, Part.TARGET)
    if cell.is_rehearsal:
        shadow, target = _rehearsal(shadow, target, cell)
    plan = AttackPlan(cell.preset, cell.weights, cell.seed)
    judged = JudgedUsers(target.users, target_items, len(target_items.item_ids))
    judged_features = evidence.features(target.users, target_items, plan)
    model = _fit(evidence.features(shadow.users, shadow_items, plan), shadow, cell, plan, progress)
    attack = Scored(model.score(judged_features), model.threshold)
    baselines = evidence.baseline_scores(judged, shadow, shadow_items, seed=cell.seed)
    row = (
        _flat("", figures(attack, target.is_member))
        | _null(attack.scores, target.is_member, cell.seed)
        | {_baseline(one): metrics.auc(by.scores, target.is_member) for one, by in baselines.items()}
        | {f"coverage_{key}": value for key, value in vars(evidence.coverage(judged)).items()}
    )
    curve = metrics.thin(metrics.roc_curve(attack.scores, target.is_member))
    arrays: dict[str, NDArray[Any]] = {
        "fpr": curve.fpr,
        "tpr": curve.tpr,
        "picture": _picture(judged_features),
        "is_member": target.is_member,
    }
    store.put(name, arrays, {"row": row, "seconds": time.perf_counter() - started})


def run_control(
    store: ArtifactStore, name: str, cell: Cell, materials: CellMaterials, *, progress: Progress
) -> None:
    """Run the positive control of a cell's attack on its shadow's users."""
    started = time.perf_counter()
    shadow, items = _world(store, materials.shadow, materials.shadow_items, cell, Part.SHADOW)
    plan = AttackPlan(cell.preset, cell.weights, cell.seed)
    control, truth = evidence.positive_control(shadow, items, plan, progress)
    row = _flat("control_", figures(control, truth))
    store.put(name, {}, {"row": row, "seconds": time.perf_counter() - started})


def _world(
    store: ArtifactStore, recommender: str, items: str, cell: Cell, part: Part
) -> tuple[Shadow, ItemKnowledge]:
    """Give the users of one side with their answers and the truth about them, and what is known of items."""
    arrays = store.get(recommender).arrays
    side = cell.shadow if part is Part.SHADOW else cell.target
    histories, is_member = unpack_histories(arrays), np.asarray(arrays["is_member"])
    lists = _lists(arrays, is_member, side, cell, part)
    known = _known(histories, cell, part)
    users = AnsweredUsers(known, lists, np.zeros(len(is_member), dtype=np.bool_))
    return Shadow(users, is_member), ItemKnowledge.from_arrays(store.get(items).arrays)


def _rehearsal(shadow: Shadow, target: Shadow, cell: Cell) -> tuple[Shadow, Shadow]:
    """Learn on four fifths of the users and judge the others: both worlds have the same users."""
    order = rng_for(cell.seed, "rehearsal", "users").permutation(len(shadow.is_member))
    judged, learned = np.split(order, [len(order) // 5])
    return (
        Shadow(shadow.users.take(learned), shadow.is_member[learned]),
        Shadow(target.users.take(judged), target.is_member[judged]),
    )


def _lists(
    arrays: Mapping[str, np.ndarray], is_member: Bools, side: Side, cell: Cell, part: Part
) -> RankedLists:
    """Give members their own lists and the others popular items, the same ones or drawn from a pool."""
    k, popular = cell.k, np.asarray(arrays["popular"])
    own = RankedLists(np.asarray(arrays["items"]), np.asarray(arrays["lengths"])).top(k)
    n_others = int((~is_member).sum())
    if side.pool is None:
        others = RankedLists.full(np.tile(popular[:k], (n_others, 1)))
    else:
        rng = rng_for(cell.seed, part, "popularity randomization", side.pool)
        others = randomized_popular_lists(popular, n_users=n_others, pool=side.pool, k=k, rng=rng)
    items = np.full((len(is_member), k), NO_ITEM, dtype=np.int32)
    lengths = np.empty(len(is_member), dtype=np.int32)
    for rows, found in ((is_member, own), (~is_member, others)):
        items[rows, : found.k], lengths[rows] = found.items, found.lengths
    return RankedLists(items, lengths)


def _known(histories: Histories, cell: Cell, part: Part) -> Histories:
    """Keep `known_history` interactions of each user, drawn at random."""
    if cell.known_history is None:
        return histories
    rng = rng_for(cell.seed, part, "known history")
    rows = np.repeat(np.arange(histories.shape[0]), np.diff(histories.indptr))
    order = np.lexsort((rng.random(len(rows)), rows))
    rank = np.arange(len(rows)) - histories.indptr[rows]
    kept = order[rank < cell.known_history]
    return binary_matrix(rows[kept], histories.indices[kept], histories.shape)


def _fit(features: Vectors, shadow: Shadow, cell: Cell, plan: AttackPlan, progress: Progress) -> Scorer:
    match cell.model:
        case AttackModelKind.MLP:
            return evidence.train(features, shadow, plan, progress=progress)
        case AttackModelKind.LOGISTIC:
            return fit_logistic(features, shadow.is_member)
        case AttackModelKind.K_MEANS:
            return fit_k_means(features, shadow.is_member, seed=seed_for(cell.seed, "attack model"))


def _null(scores: Scores, is_member: Bools, seed: int) -> dict[str, Plain]:
    rng = rng_for(seed, "shuffled labels")
    null = metrics.shuffled_aucs(scores, is_member, n_shuffles=N_SHUFFLES, rng=rng)
    return {"null_low": null.interval[0], "null_high": null.interval[1], "p_value": null.p_value}


def _flat(prefix: str, found: Figures) -> dict[str, Plain]:
    row: dict[str, Plain] = {
        "auc": found.auc,
        "auc_low": found.auc_interval[0],
        "auc_high": found.auc_interval[1],
        "balanced_accuracy": found.balanced_accuracy,
        "members": found.members,
        "non_members": found.non_members,
        "smallest_fpr": found.smallest_fpr,
    }
    for point in found.tpr_at_fpr:
        at = f"tpr_at_fpr_{point.fpr:g}"
        row |= {at: point.tpr, f"{at}_low": point.interval[0], f"{at}_high": point.interval[1]}
        row[f"{at}_is_resolved"] = point.is_resolved
    return {prefix + key: value for key, value in row.items()}


def _baseline(name: str) -> str:
    return f"baseline_{name.replace(' ', '_')}_auc"


def _picture(features: Vectors) -> Vectors:
    """Project features on their two principal axes: (n_users, 2) float32, for the eye only."""
    points = features.astype(np.float64) - features.mean(axis=0)
    _, axes = np.linalg.eigh(points.T @ points)
    picture: Vectors = (points @ axes[:, :-3:-1]).astype(np.float32)
    return picture
