"""Two other ways from user features to scores, to be held against the paper's network."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.attacker.attack.baselines import logistic_scores
from services.attacker.attack.thresholds import best_threshold
from shared.arrays import Bools, Scores, Vectors

N_STARTS = 10
N_STEPS = 100


@dataclass(frozen=True)
class LogisticModel:
    """Logistic regression, fitted when it scores: the ridge solution needs no random start.

    features   (n_users, l) of the shadow, and is_member (n_users,) of the shadow
    threshold  the best one on the shadow
    """

    features: Vectors
    is_member: Bools
    threshold: float

    def score(self, features: Vectors) -> Scores:
        """Score users: (n_users, l) -> (n_users,) float64, larger = member; each world centered on itself."""
        _, judged = logistic_scores(_centered(self.features), self.is_member, _centered(features))
        return judged


def fit_logistic(features: Vectors, is_member: Bools) -> LogisticModel:
    """Fit on shadow users."""
    own, _ = logistic_scores(_centered(features), is_member, _centered(features))
    return LogisticModel(features, is_member, best_threshold(own, is_member))


@dataclass(frozen=True)
class KMeansModel:
    """Two clusters of the judged users; their meaning comes from the shadow.

    member_center  (l,) of the shadow's members, and other_center (l,), about the shadow's mean
    threshold      0: nearer to the members' cluster
    """

    member_center: NDArray[np.float64]
    other_center: NDArray[np.float64]
    seed: int
    threshold: float = 0.0

    def score(self, features: Vectors) -> Scores:
        """Cluster users and score them by the distance to the one center minus that to the other.

        returns  (n_users,) float64; larger = nearer to the cluster that matches the shadow's members
        """
        points = _centered(features)
        centers = two_means(points, rng=np.random.default_rng(self.seed))
        straight = _distance(centers[0], self.member_center) + _distance(centers[1], self.other_center)
        crossed = _distance(centers[1], self.member_center) + _distance(centers[0], self.other_center)
        members, others = centers if straight <= crossed else centers[::-1]
        scores: Scores = np.linalg.norm(points - others, axis=1) - np.linalg.norm(points - members, axis=1)
        return scores


def fit_k_means(features: Vectors, is_member: Bools, *, seed: int) -> KMeansModel:
    """Learn from the shadow where the members' cluster lies; the clusters themselves come later.

    Source: Zhang et al. 2021 compare with k-means; their published script divides the centers inside its
    loop and calls cluster 1 the members', which we do not.
    """
    points = _centered(features)
    return KMeansModel(points[is_member].mean(axis=0), points[~is_member].mean(axis=0), seed)


def two_means(points: NDArray[np.float64], *, rng: np.random.Generator) -> NDArray[np.float64]:
    """Lloyd's algorithm with two clusters and k-means++ starts, the best of ten runs.

    points   (n, l), at least two different ones
    returns  (2, l) centers
    """
    runs = [_one_run(points, rng) for _ in range(N_STARTS)]
    return min(runs, key=lambda run: run[0])[1]


def _one_run(points: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, NDArray[np.float64]]:
    first = points[rng.integers(len(points))]
    squares = ((points - first) ** 2).sum(axis=1)
    centers = np.stack([first, points[rng.choice(len(points), p=squares / squares.sum())]])
    nearest = np.full(len(points), -1)
    for _ in range(N_STEPS):
        distances = np.stack([((points - center) ** 2).sum(axis=1) for center in centers])
        moved = distances.argmin(axis=0)
        if (moved == nearest).all():
            break
        nearest = moved
        centers = np.stack(
            [
                points[nearest == one].mean(axis=0) if (nearest == one).any() else centers[one]
                for one in (0, 1)
            ]
        )
    return float(distances.min(axis=0).sum()), centers


def _centered(features: Vectors) -> NDArray[np.float64]:
    points = features.astype(np.float64)
    moved: NDArray[np.float64] = points - points.mean(axis=0)
    return moved


def _distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(a - b))
