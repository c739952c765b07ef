"""What the figures of an attack mean, in plain words, and no more than they mean."""

from shared.contract.attacker import Controls, Figures, Judgement

POSITIVE_CONTROL_MIN = 0.95
_ALMOST_PERFECT = 0.99
_CHANCE = "random guess"
_FORM_BASELINES = {
    "identical lists": "strangers share one list",
    "list form": "the form of an answer depends on whether it is a member's",
}
_HISTORY = "history only"


def reading(judgement: Judgement) -> str:
    """Say in two sentences what was found and what it comes from."""
    return f"{_found(judgement.figures)} {_source(judgement)}"


def controls_reading(controls: Controls) -> str:
    """Say in one sentence whether the controls came out as they must."""
    low, high = controls.shuffled_labels.interval
    wrong = []
    if not low <= 0.5 <= high:
        wrong.append(f"with shuffled labels the AUC lies in [{low:.2f}, {high:.2f}], which must contain 0.5")
    if controls.built_to_leak.auc <= POSITIVE_CONTROL_MIN:
        wrong.append(
            f"built to leak gives {controls.built_to_leak.auc:.2f} and must be above {POSITIVE_CONTROL_MIN}"
        )
    if wrong:
        return f"Controls: NOT as they must be, do not trust the figures: {'; '.join(wrong)}."
    return (
        f"Controls: as they must be (shuffled labels give an AUC in [{low:.2f}, {high:.2f}], around 0.5; "
        f"built to leak gives {controls.built_to_leak.auc:.2f})."
    )


def _found(figures: Figures) -> str:
    low, high = figures.auc_interval
    if low <= 0.5 <= high:
        return (
            f"The attack tells members from non-members no better than guessing: AUC {figures.auc:.2f}, "
            f"with an interval, [{low:.2f}, {high:.2f}], that contains 0.5."
        )
    if figures.auc < 0.5:
        return (
            f"The attack is wrong more often than right (AUC {figures.auc:.2f}): what it learned on the "
            f"shadow is reversed in the target."
        )
    point = figures.tpr_at_fpr[0]
    return (
        f"Given one member and one non-member, the attack tells which is which in {figures.auc:.1%} of the "
        f"cases; accusing {point.fpr:.0%} of the non-members, it finds {point.tpr:.1%} of the members."
    )


def _source(judgement: Judgement) -> str:
    attack, baselines = judgement.figures, judgement.baselines
    for name, why in _FORM_BASELINES.items():
        if name in baselines and baselines[name].auc >= _ALMOST_PERFECT:
            return (
                f"The baseline {name!r} alone reaches {baselines[name].auc:.2f}: what leaks is the serving "
                f"policy ({why}); whether training leaks too, this run cannot tell."
            )
    history = baselines.get(_HISTORY)
    if history is not None and history.auc_interval[0] > 0.5 and history.auc >= attack.auc_interval[0]:
        return (
            f"The baseline {_HISTORY!r}, which asks nothing, reaches {history.auc:.2f}: members differ from "
            f"non-members before any recommender, so the attack's figure is no evidence that this one leaks."
        )
    return _against_best(attack, {name: one for name, one in baselines.items() if name != _CHANCE})


def _against_best(attack: Figures, baselines: dict[str, Figures]) -> str:
    if not baselines:
        return "There is no baseline to hold it against."
    name, best = max(baselines.items(), key=lambda one: one[1].auc)
    if attack.auc_interval[0] <= 0.5:
        if best.auc_interval[0] <= 0.5:
            return "No baseline does better than guessing either, which does not prove that nothing leaks."
        return (
            f"The baseline {name!r} reaches {best.auc:.2f}, so something leaks that the attack does not see."
        )
    if best.auc >= attack.auc_interval[0]:
        return (
            f"The baseline {name!r} reaches {best.auc:.2f} without any learning from a shadow recommender: "
            f"this run shows no gain by the learned attack."
        )
    return (
        f"No baseline does as well (the best, {name!r}, reaches {best.auc:.2f}): the attack reads more from "
        f"the lists than their form and popularity."
    )
