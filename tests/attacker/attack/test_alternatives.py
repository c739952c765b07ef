"""Logistic regression and k-means find a planted difference, with the right sign."""

import numpy as np
import pytest

from services.attacker.attack.alternatives import fit_k_means, fit_logistic, two_means
from services.attacker.attack.metrics import auc


def planted(n=300, seed=0, shift=5.0):
    rng = np.random.default_rng(seed)
    is_member = rng.permutation(np.arange(n) % 2 == 0)
    features = rng.normal(size=(n, 4)).astype(np.float32)
    features[is_member, 0] += shift
    return features, is_member


@pytest.mark.parametrize("moved", [0.0, 100.0])
def test_logistic_finds_members_wherever_the_world_lies(moved):
    model = fit_logistic(*planted(seed=0))
    features, is_member = planted(seed=1)

    assert auc(model.score(features + np.float32(moved)), is_member) > 0.99


@pytest.mark.parametrize("moved", [0.0, 100.0])
def test_k_means_takes_only_the_names_of_the_clusters_from_the_shadow(moved):
    """Members of the judged world lie on the shadow's side, though three times as far out."""
    model = fit_k_means(*planted(seed=0), seed=0)
    features, is_member = planted(seed=1, shift=15.0)

    assert auc(model.score(features + np.float32(moved)), is_member) > 0.999


def test_swapped_shadow_labels_swap_the_clusters():
    features, is_member = planted(seed=0)

    model = fit_k_means(features, ~is_member, seed=0)

    assert auc(model.score(features), is_member) < 0.01


def test_two_means_by_hand():
    points = np.array([[0.0, 0], [0, 1], [9, 0], [9, 1]])

    centers = two_means(points, rng=np.random.default_rng(0))

    assert sorted(centers.tolist()) == [[0, 0.5], [9, 0.5]]
