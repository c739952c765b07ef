"""The figures of one attack: sealed scores on one side, the truth on the other, and how sure we are."""

import numpy as np

from services.attacker.attack import metrics
from services.attacker.evidence import CoverageShares, Evidence, Scored
from shared.arrays import Bools
from shared.attacks import AttackPreset
from shared.contract.attacker import (
    Controls,
    Coverage,
    Curve,
    Figures,
    Judgement,
    ShuffledLabels,
    TprAtFpr,
)
from shared.datasets.splits import DivisionSpec
from shared.randomness import rng_for

N_SHUFFLES = 1_000


def judge(
    evidence: Evidence,
    is_member: Bools,
    *,
    preset: AttackPreset,
    split: DivisionSpec,
    covered: CoverageShares,
    seed: int,
) -> Judgement:
    """Compare stored scores with the truth.

    is_member  (n_users,) bool, in the order of the scores
    Raises ValueError if the shapes do not fit or one of the two kinds is missing.
    """
    scores = evidence.attack.scores
    null = metrics.shuffled_aucs(
        scores, is_member, n_shuffles=N_SHUFFLES, rng=rng_for(seed, "shuffled labels")
    )
    curve = metrics.thin(metrics.roc_curve(scores, is_member))
    return Judgement(
        attack=preset,
        split=split.division,
        figures=figures(evidence.attack, is_member),
        baselines={name: figures(one, is_member) for name, one in evidence.baselines.items()},
        controls=Controls(
            shuffled_labels=ShuffledLabels(
                mean_auc=null.mean, interval=null.interval, n_shuffles=N_SHUFFLES, p_value=null.p_value
            ),
            built_to_leak=figures(evidence.control, evidence.control_truth),
        ),
        coverage=Coverage(
            catalogue=covered.catalogue,
            histories=covered.histories,
            lists=covered.lists,
            unknown_items=covered.unknown_items,
        ),
        curve=Curve(fpr=tuple(curve.fpr.tolist()), tpr=tuple(curve.tpr.tolist())),
        scores_hash=evidence.seal(),
    )


def figures(scored: Scored, is_member: Bools) -> Figures:
    """Judge one score."""
    ranks = metrics.placements(scored.scores, is_member)
    curve = metrics.roc_curve(scored.scores, is_member)
    n_members, n_others = int(np.count_nonzero(is_member)), int(np.count_nonzero(~is_member))
    points = [metrics.tpr_at_fpr(curve, fpr, n_members=n_members, n_others=n_others) for fpr in metrics.FPRS]
    accuracy = (
        None
        if scored.threshold is None
        else metrics.balanced_accuracy(scored.scores, is_member, threshold=scored.threshold)
    )
    return Figures(
        auc=ranks.auc,
        auc_interval=metrics.auc_interval(ranks),
        balanced_accuracy=accuracy,
        tpr_at_fpr=tuple(
            TprAtFpr(fpr=one.fpr, tpr=one.tpr, interval=one.interval, is_resolved=one.is_resolved)
            for one in points
        ),
        smallest_fpr=1 / n_others,
        members=n_members,
        non_members=n_others,
    )
