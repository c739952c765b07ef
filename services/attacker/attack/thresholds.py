"""Where to draw the line between member and not, chosen on users whose membership the attacker knows."""

import numpy as np

from shared.arrays import Bools, Scores, check_shape


def best_threshold(scores: Scores, is_member: Bools) -> float:
    """Find the threshold with the best balanced accuracy on shadow users.

    scores     (n,) float64, larger = member
    is_member  (n,) bool, of the shadow, both kinds present
    returns    a value halfway between two neighboring scores; score > threshold means member. Among equally
               good ones the middle one; if all scores are tied, that score (nobody is a member).
    Raises ValueError if the shapes do not fit.
    """
    check_shape("is_member", is_member, scores.shape)
    values, place = np.unique(scores, return_inverse=True)
    if len(values) == 1:
        return float(values[0])
    members = np.bincount(place, weights=is_member, minlength=len(values))
    others = np.bincount(place, weights=~is_member, minlength=len(values))
    tpr = 1 - np.cumsum(members)[:-1] / members.sum()  # members above the gap behind each value
    fpr = 1 - np.cumsum(others)[:-1] / others.sum()
    gain = tpr - fpr
    best = np.flatnonzero(gain >= gain.max() - 1e-12)
    gap = best[len(best) // 2]
    return float((values[gap] + values[gap + 1]) / 2)
