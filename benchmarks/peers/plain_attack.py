"""The attack's heavy parts written down plainly. Arguments: which part, JSON of its sizes."""

import json
import sys

import numpy as np
from sklearn.metrics import roc_auc_score

from lab.bench.clock import Clock
from lab.bench.ours_attack import features_world, scores_world

GATHERED_BYTES = 64 * 2**20


def features(options: dict) -> None:
    """Gather the vectors of each list and weigh them, in blocks of users."""
    histories, lists, vectors = features_world(options)
    n_users, k = lists.shape
    weights = ((k - np.arange(k)) / (k * (k + 1) / 2)).astype(np.float32)
    found = np.empty((n_users, vectors.shape[1]), dtype=np.float32)
    block = max(1, GATHERED_BYTES // (4 * k * vectors.shape[1]))
    clock = Clock()
    with clock.part("features"):
        for start in range(0, n_users, block):
            part = slice(start, start + block)
            own = histories[part]
            centers = (own @ vectors) / np.diff(own.indptr)[:, None].astype(np.float32)
            found[part] = centers - np.einsum("k,nkl->nl", weights, vectors[lists[part]])
    clock.tell(units=n_users, figures={"checksum": float(np.abs(found).mean())}, packages=("numpy",))


def interval(options: dict) -> None:
    """Bootstrap the AUC: a sort for each resample."""
    scores, is_member = scores_world(options)
    rng = np.random.default_rng(options["seed"])
    clock = Clock()
    with clock.part("interval"):
        found = []
        for _ in range(options["resamples"]):
            rows = rng.integers(len(scores), size=len(scores))
            found.append(roc_auc_score(is_member[rows], scores[rows]))
        low, high = np.quantile(found, [0.025, 0.975])
    clock.tell(
        units=options["resamples"] / 1000,
        figures={"low": low, "high": high},
        packages=("scikit-learn",),
        notes=(f"{options['resamples']} resamples were timed, and 1,000 count as one interval",),
    )


def shuffles(options: dict) -> None:
    """Judge the scores by shuffled labels: a sort for each shuffle."""
    scores, is_member = scores_world(options)
    rng = np.random.default_rng(options["seed"])
    clock = Clock()
    with clock.part("shuffles"):
        found = [roc_auc_score(rng.permutation(is_member), scores) for _ in range(options["shuffles"])]
    clock.tell(units=options["shuffles"], figures={"mean AUC": np.mean(found)}, packages=("scikit-learn",))


{"features": features, "intervals": interval, "shuffles": shuffles}[sys.argv[1]](json.loads(sys.argv[2]))
