"""How well a score separates members from the others; members are positive, larger = member."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from shared.arrays import Bools, Scores, check_shape

FPRS = (0.1, 0.01, 0.001)
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Ranks:
    """What the area under the curve and its interval are made of.

    auc        Mann-Whitney: P(member's score > other's) + P(equal) / 2
    members    (n_members,) for each member the share of others below, ties half
    others     (n_others,) for each other the share of members above, ties half
    """

    auc: float
    members: NDArray[np.float64]
    others: NDArray[np.float64]


def placements(scores: Scores, is_member: Bools) -> Ranks:
    """Place every score among those of the other kind, by three sorts.

    Raises ValueError if the shapes do not fit, a score is not finite or one kind is missing.
    """
    check_shape("is_member", is_member, scores.shape)
    if not np.isfinite(scores).all():
        raise ValueError("a score is not a finite number")
    n_members, n_others = int(is_member.sum()), int((~is_member).sum())
    if n_members == 0 or n_others == 0:
        raise ValueError(f"members and others are needed, found {n_members} and {n_others}")
    both = stats.rankdata(scores)
    members = (both[is_member] - stats.rankdata(scores[is_member])) / n_others
    others = 1 - (both[~is_member] - stats.rankdata(scores[~is_member])) / n_members
    return Ranks(float(members.mean()), members, others)


def auc(scores: Scores, is_member: Bools) -> float:
    """Area under the ROC curve in [0, 1]; ties count half; all tied: 0.5."""
    return placements(scores, is_member).auc


def auc_interval(ranks: Ranks) -> tuple[float, float]:
    """Interval (95 %) of the area under the curve by DeLong's variance, on the logit scale.

    At an area of exactly 0 or 1, where that variance is 0, the far end is the exact binomial bound for
    min(n_members, n_others) independent pairs that all agree; with all scores tied it is (0.5, 0.5).
    Source: DeLong, DeLong and Clarke-Pearson 1988; Pepe 2003, section 5.2, for the logit.
    """
    tail = (1 - CONFIDENCE) / 2
    n_members, n_others = len(ranks.members), len(ranks.others)
    if ranks.auc in (0.0, 1.0):
        bound = float(tail ** (1 / min(n_members, n_others)))
        return (bound, 1.0) if ranks.auc == 1.0 else (0.0, 1 - bound)
    variance = _mean_variance(ranks.members) + _mean_variance(ranks.others)
    logit = np.log(ranks.auc / (1 - ranks.auc))
    reach = stats.norm.isf(tail) * np.sqrt(variance) / (ranks.auc * (1 - ranks.auc))
    low, high = 1 / (1 + np.exp(-(logit - reach))), 1 / (1 + np.exp(-(logit + reach)))
    return float(low), float(high)


def _mean_variance(values: NDArray[np.float64]) -> float:
    return float(values.var(ddof=1) / len(values)) if len(values) > 1 else 0.25


def balanced_accuracy(scores: Scores, is_member: Bools, *, threshold: float) -> float:
    """(TPR + 1 - FPR) / 2 where score > threshold means member; the published tables call this AUC."""
    is_accused = scores > threshold
    return float((is_accused[is_member].mean() + 1 - is_accused[~is_member].mean()) / 2)


@dataclass(frozen=True)
class RocCurve:
    """The ROC curve, from (0, 0) to (1, 1), one point for every distinct score that bends it."""

    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]


def roc_curve(scores: Scores, is_member: Bools) -> RocCurve:
    """Walk the threshold down from above the largest score; tied scores move together."""
    order = np.argsort(-scores, kind="stable")
    is_last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    hits, alarms = np.cumsum(is_member[order]), np.cumsum(~is_member[order])
    tpr = np.append(0.0, hits[is_last_of_tie] / hits[-1])
    fpr = np.append(0.0, alarms[is_last_of_tie] / alarms[-1])
    return RocCurve(fpr, tpr)


def thin(curve: RocCurve) -> RocCurve:
    """Leave out the points that lie on a straight line between their neighbors."""
    if len(curve.fpr) < 3:
        return curve
    dx, dy = np.diff(curve.fpr), np.diff(curve.tpr)
    is_bend = np.abs(dx[:-1] * dy[1:] - dx[1:] * dy[:-1]) > 1e-15
    keep = np.concatenate([[True], is_bend, [True]])
    return RocCurve(curve.fpr[keep], curve.tpr[keep])


@dataclass(frozen=True)
class OperatingPoint:
    """TPR where at most `fpr` of the others is accused, with its Clopper-Pearson interval."""

    fpr: float
    tpr: float
    interval: tuple[float, float]
    is_resolved: bool


def tpr_at_fpr(curve: RocCurve, fpr: float, *, n_members: int, n_others: int) -> OperatingPoint:
    """Read the best TPR at a false positive rate of at most `fpr`.

    is_resolved is False if fpr < 1 / n_others: then not one other may be accused.
    """
    allowed = curve.fpr <= fpr + 1e-12
    tpr = float(curve.tpr[allowed].max())
    return OperatingPoint(
        fpr, tpr, clopper_pearson(round(tpr * n_members), n_members), fpr * n_others >= 1 - 1e-9
    )


def clopper_pearson(hits: int, n: int) -> tuple[float, float]:
    """Exact binomial interval (95 %) for hits out of n. Source: Clopper and Pearson 1934."""
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if hits == 0 else float(stats.beta.ppf(tail, hits, n - hits + 1))
    high = 1.0 if hits == n else float(stats.beta.isf(tail, hits + 1, n - hits))
    return low, high


@dataclass(frozen=True)
class NullDistribution:
    """The AUCs of the same scores under shuffled labels, and how rare the observed one is among them."""

    mean: float
    interval: tuple[float, float]
    p_value: float


def shuffled_aucs(
    scores: Scores, is_member: Bools, *, n_shuffles: int, rng: np.random.Generator
) -> NullDistribution:
    """Judge the scores by labels that mean nothing.

    The interval is the central 95 % of the shuffled AUCs and must contain 0.5, or the evaluation itself is
    biased. p_value = (1 + shuffles at least as far from 0.5) / (1 + n_shuffles).
    """
    observed = auc(scores, is_member)
    ranks = stats.rankdata(scores)
    n_members, n_others = int(is_member.sum()), int((~is_member).sum())
    sums = np.array([ranks[rng.permutation(is_member)].sum() for _ in range(n_shuffles)])
    aucs = (sums - n_members * (n_members + 1) / 2) / (n_members * n_others)
    low, high = np.quantile(aucs, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    as_far = np.count_nonzero(np.abs(aucs - 0.5) >= abs(observed - 0.5) - 1e-12)
    return NullDistribution(float(aucs.mean()), (float(low), float(high)), (1 + as_far) / (1 + n_shuffles))
