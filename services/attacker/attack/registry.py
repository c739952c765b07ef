"""The presets: each attack by name, frozen, with its source and what it departs from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.attacker.attack.classifier import ClassifierSettings
from services.attacker.attack.features import (
    Weights,
    exponential_weights,
    linear_weights,
    uniform_weights,
)
from shared.attacks import AttackPreset, Factorization, RankWeights

WEIGHTS: Mapping[RankWeights, Callable[[int], Weights]] = {
    RankWeights.LINEAR: linear_weights,
    RankWeights.UNIFORM: uniform_weights,
    RankWeights.EXPONENTIAL: exponential_weights,
}


@dataclass(frozen=True)
class Preset:
    """An attack that a spec can name."""

    factorization: Factorization
    classifier: ClassifierSettings
    description: str
    source: str
    knowledge: str


_KNOWLEDGE = (
    "The ordered list of each judged user, that user's own history, a data set of the same kind for the "
    "shadow, and a third one for the item vectors."
)

PRESETS: Mapping[AttackPreset, Preset] = {
    AttackPreset.CCS21: Preset(
        Factorization.LFM,
        ClassifierSettings(),
        "The attack as the paper's text gives it: difference features, MLP l-32-8-2, softmax, cross entropy, "
        "SGD 0.01, momentum 0.7, 20 epochs, member if a < b. The text gives no batch size and no order; "
        "batches of 16 in the users' order.",
        "Zhang et al., CCS 2021 (arXiv 2109.08045), sections 3 and 4",
        _KNOWLEDGE,
    ),
    AttackPreset.CCS21_CODE: Preset(
        Factorization.LFM,
        ClassifierSettings(momentum=0.9, batch_size=1, is_members_first=True, is_softmax_twice=True),
        "The attack as its published code trains: one user at a time, all members and then all others, in 20 "
        "passes; softmax twice; momentum 0.9; member if a < b. The code's recommenders and vectors are not "
        "published; ours are the paper's.",
        "github.com/minxingzhang/MIARS, mlp_attack_model.py at 79d99d1",
        _KNOWLEDGE,
    ),
    AttackPreset.DIFFERENCE: Preset(
        Factorization.SVD,
        ClassifierSettings(is_shuffled=True, is_centered=True, held_out=0.2),
        "The paper's features and network with sane training: item vectors by truncated SVD, each world's "
        "features centered at their own mean and divided by one deviation, batches of 16 shuffled in each "
        "epoch, threshold chosen on a fifth of the shadow users that training does not see.",
        "Ours, after Zhang et al., CCS 2021",
        _KNOWLEDGE,
    ),
}

BASELINES: Mapping[str, tuple[str, str]] = {
    "random guess": ("A number drawn by chance; 0.5 by construction.", "nothing"),
    "list form": ("The length of the answer, and whether there is one: a wire oracle.", "the answers"),
    "identical lists": (
        "Minus the number of users who got exactly the same list. Perfect wherever all strangers share one "
        "fallback list: no shadow, no item vectors, no histories.",
        "the answers",
    ),
    "popular overlap": (
        "Minus the share of the list within the k most popular items of the attacker's item-feature data.",
        "the answers and the popularity of items in other data",
    ),
    "history only": (
        "Logistic regression on the history alone (center, length, popularity), trained on the shadow; no "
        "query is asked. Above 0.5 it means that members differ from others before any recommender.",
        "histories, and a labelled shadow",
    ),
}
