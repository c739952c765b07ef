"""The plain-language reading of a run: every sentence is made from its figures, none stands by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from services.attacker.experiments.report.comparisons import (
    OURS,
    assumptions,
    beside_published,
    hit_rates,
    same_verdict,
)
from services.attacker.experiments.report.selection import (
    by,
    departures,
    diagonal,
    of_grid,
    same_sides,
    spread,
    usual,
)
from services.attacker.experiments.report.wording import (
    AXES,
    PERCENT,
    axis_value,
    count,
    listed,
    number,
    percent,
    plural,
    seeds,
    side_name,
    span,
)

_PERFECT = 0.9995  # what is written as 1.000
_PLANTED = 0.95
"""The positive control must be above it."""
_SMALL = 0.02
"""A change of ROC AUC that the text calls small."""


@dataclass(frozen=True)
class Topic:
    """A question and what the figures say."""

    name: str
    sentences: tuple[str, ...]


def reading(
    rows: pd.DataFrame, qualities: pd.DataFrame, failures: Mapping[str, str], n_planned: int
) -> list[Topic]:
    """Read a run; a topic that has no figures is left out.

    n_planned  how many cells the run should have
    """
    topics = {
        "What leaks": trivial_baselines(rows),
        "Do the controls hold?": [*positive_control(rows), *negative_control(rows)],
        "Beside the published tables": [*beside_published(rows), *same_verdict(rows)],
        "What the attacker must know": assumptions(rows),
        "Does it matter that the same people are in shadow and target?": divisions(rows),
        "At few false accusations": low_rates(rows),
        "Does the defense help?": defenses(rows),
        "Are the recommenders good?": hit_rates(qualities),
        "What this run cannot say": limits(rows, failures, n_planned),
    }
    return [Topic(name, tuple(sentences)) for name, sentences in topics.items() if sentences]


def trivial_baselines(rows: pd.DataFrame) -> list[str]:
    """Say what is reached without any learning, and what follows for the meaning of the learned attack."""
    plain = diagonal(rows[rows["pool"].isna()])
    targets = [group for _, group in by(plain, "target_dataset", "target_algorithm")]
    identical = [float(group["baseline_identical_lists_auc"].min()) for group in targets]
    if not identical:
        return []
    perfect = sum(value >= _PERFECT for value in identical)
    found = [_identical(identical, perfect), *_learned(plain, min(identical))]
    overlap, history = (spread(plain[f"baseline_{name}_auc"]) for name in ("popular_overlap", "history_only"))
    if overlap and history:
        found.append(
            f"For the same users, overlap with popular items reaches {overlap.ends}, and histories alone, "
            f"without asking the target anything, {history.ends}."
        )
    return found


def _identical(values: list[float], perfect: int) -> str:
    if perfect == 0:
        return (
            "Counting identical lists, without shadow, item vectors or training, reaches ROC AUC "
            f"{span(min(values), max(values))} against {plural(len(values), 'undefended target')}."
        )
    where = "all" if perfect == len(values) else f"{perfect} of"
    return (
        f"Counting identical lists reaches ROC AUC 1.000 against {where} "
        f"{plural(len(values), 'undefended target')}: no shadow, no item vectors, no training. There, what "
        "leaks is the serving policy, not memorization: every stranger is served one and the same list, and "
        "a list that many share gives strangers away. This is no new observation; what stands here are the "
        "measurements."
    )


def _learned(plain: pd.DataFrame, trivial: float) -> list[str]:
    learned = spread(plain[plain["preset"] == OURS]["auc"])
    if learned is None:
        return []
    text = f"The learned attack ({OURS}, assumption I) reaches {learned.ends}"
    if learned.high <= trivial:
        text += ": in no cell more than the trivial one, so its figures are no evidence of memorization"
    return [f"{text}."]


def positive_control(rows: pd.DataFrame) -> list[str]:
    """Say whether each attack finds a planted leak; where it does not, its low figures mean nothing."""
    found = []
    for (preset,), group in by(rows, "preset"):
        known = group.dropna(subset=["control_auc"])
        if known.empty:
            continue
        failed = known[known["control_auc"] <= _PLANTED]
        lowest = number(float(known["control_auc"].min()))
        if failed.empty:
            cells = plural(len(known), "cell and seed", "cells and seeds")
            found.append(
                f"{preset}: the positive control is above 0.95 in all {cells}; the lowest is {lowest}."
            )
            continue
        shadows = sorted({_shadow(row) for row in failed.to_dict("records")})
        found.append(
            f"{preset}: the positive control fails in {len(failed)} of {len(known)} (the lowest is {lowest}; "
            f"shadow: {'; '.join(shadows)}). There the attack does not even find a planted leak, so a low "
            "figure says nothing about the target."
        )
    return found


def _shadow(row: dict[Any, Any]) -> str:
    """Name the shadow of a row, with what departs from the paper's setting."""
    departs = [f"{AXES[name]} {axis_value(name, value)}" for name, value in departures(row)]
    return ", ".join([side_name(row["shadow_dataset"], row["shadow_algorithm"]), *departs])


def negative_control(rows: pd.DataFrame) -> list[str]:
    """Say whether the evaluation itself is unbiased."""
    known = rows.dropna(subset=["null_low", "null_high"])
    if known.empty:
        return []
    holds = (known["null_low"] <= 0.5) & (known["null_high"] >= 0.5)
    text = (
        f"The interval of shuffled labels contains 0.5 in {int(holds.sum())} of {len(known)} cells and seeds"
    )
    if holds.all():
        return [f"{text}: the evaluation itself is not biased."]
    codes = sorted({str(code) for code in known[~holds]["code"]})
    return [f"{text}; it does not in {listed(codes)}, whose figures must not be used."]


def divisions(rows: pd.DataFrame) -> list[str]:
    """Compare the two divisions target by target."""
    own = same_sides(of_grid(rows, "split"))
    means = own.groupby(["target_dataset", "target_algorithm", "division"])["auc"].mean().unstack()
    both = means.reindex(columns=["by-interaction", "by-user"]).dropna()
    if both.empty:
        return []
    change = both["by-user"] - both["by-interaction"]
    worst: Any = both.index[int(change.to_numpy().argmin())]
    text = (
        "Divided by user, so that nobody is in two parts, ROC AUC is "
        f"{span(both['by-user'].min(), both['by-user'].max())} against {plural(len(both), 'target')}; by "
        "interaction, as in the paper, it is "
        f"{span(both['by-interaction'].min(), both['by-interaction'].max())}."
    )
    if change.min() >= 0:
        return [
            f"{text} Nowhere is it lower by user: the attack does not live on people who recur in both parts."
        ]
    text += f" The largest fall is {number(float(-change.min()))} ({side_name(worst[0], worst[1])})"
    if change.min() >= -_SMALL:
        return [f"{text}: small, so people who recur in both parts are not what the attack lives on."]
    return [f"{text}: there the division matters; the numbers of users and interactions differ as well."]


def low_rates(rows: pd.DataFrame) -> list[str]:
    """Say how many members are found when hardly anybody is accused wrongly."""
    own = diagonal(rows[rows["preset"] == OURS])
    found = []
    for rate, name in (("0.01", f"1{PERCENT}"), ("0.001", f"0.1{PERCENT}")):
        resolved = own[own[f"tpr_at_fpr_{rate}_is_resolved"] > 0]
        ends = spread(resolved[f"tpr_at_fpr_{rate}"])
        unresolved = len(own) - len(resolved)
        if ends:
            shares = f"{percent(ends.low)} to {percent(ends.high)}"
            left_out = f"; {unresolved} more cannot resolve it" if unresolved else ""
            cells = plural(len(resolved), "cell and seed", "cells and seeds")
            found.append(f"{OURS} at {name} FPR finds {shares} of the members ({cells}{left_out}).")
        elif unresolved:
            found.append(f"No cell of {OURS} resolves {name} FPR: there are too few other users.")
    return found


def defenses(rows: pd.DataFrame) -> list[str]:
    """Say what Popularity Randomization does against an attacker who knows of it and one who does not."""
    own = same_sides(rows[rows["pool"].notna()])
    blind, aware = own[~own["is_shadow_defended"]], own[own["is_shadow_defended"]]
    found = []
    identical = spread(own["baseline_identical_lists_auc"])
    if identical:
        found.append(f"Under Popularity Randomization, counting identical lists falls to {identical.ends}.")
    if not blind.empty:
        turned = blind[blind["auc"] < 0.5]
        text = f"An attacker who does not know of it reaches {_ends(blind)}"
        if len(turned):
            best = number(1 - float(turned["auc"].min()))
            text += (
                f"; {len(turned)} of {len(blind)} figures are below 0.5, which is no protection: the same "
                f"scores turned round would give up to {best}"
            )
        found.append(f"{text}.")
    if not aware.empty:
        found.append(f"One whose shadow is defended alike reaches {_ends(aware)}{_best_pool(aware)}.")
    return found


def _ends(rows: pd.DataFrame) -> str:
    found = spread(rows["auc"])
    return found.ends if found else "nothing"


def _best_pool(rows: pd.DataFrame) -> str:
    """Name the target and the pool that protect best against an attacker who knows of the defense."""
    means = [
        (key, group["auc"].mean()) for key, group in by(rows, "target_dataset", "target_algorithm", "pool")
    ]
    (dataset, algorithm, pool), lowest = min(means, key=lambda one: float(one[1]))
    return f"; the lowest is {number(lowest)}, {side_name(dataset, algorithm)} with a pool of {count(pool)}"


def limits(rows: pd.DataFrame, failures: Mapping[str, str], n_planned: int) -> list[str]:
    """Say what is missing and how far the figures carry."""
    found = []
    n_seeds = rows["seed"].nunique()
    if n_seeds == 1:
        found.append(
            f"It has one seed ({seeds(rows['seed'])}): intervals are over users, and nothing is known about "
            "how much another division, coin or start would change."
        )
    missing = n_planned - len(rows)
    if missing:
        found.append(f"{plural(missing, 'planned cell')} of {n_planned:,} have no figure and are left empty.")
    if failures:
        found.append(
            f"{plural(len(failures), 'job')} failed: {listed(sorted(failures)[:10])}; the errors stand below."
        )
    if not usual(rows)["published"].dropna().empty:
        found.append(
            "The published figures come from data, splits and recommenders that are not published in full; "
            "a difference from them is a difference of set-ups, not an error of either."
        )
    return found
