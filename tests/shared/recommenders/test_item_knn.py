"""Item-based collaborative filtering equals its formula, by every road."""

import numpy as np
import pytest
from recommender_worlds import histories_of, random_world

from shared.progress import SILENT
from shared.recommenders.item_knn import ItemKind, ItemKnn, ItemSettings


def cosines(histories):
    dense = histories.toarray().astype(float)
    counts = np.maximum(dense.sum(axis=0), 1)
    return (dense.T @ dense) / np.sqrt(np.outer(counts, counts))


def top_neighbors(similarity, n):
    kept = np.zeros_like(similarity)
    for item, row in enumerate(similarity):
        others = [j for j in range(len(row)) if j != item and row[j] > 0]
        for j in sorted(others, key=lambda j: (-np.float32(row[j]), j))[:n]:
            kept[item, j] = row[j]
    return kept


def worlds():
    return {"dense": random_world(60, 12, density=0.7), "sparse": random_world(30, 200, density=0.02)}


@pytest.mark.parametrize("name", ["dense", "sparse"])
def test_all_neighbors_score_by_the_sum_of_cosines(name):
    histories = worlds()[name]
    model = ItemKnn(histories)

    found = model.scores(np.arange(histories.shape[0]))

    assert model._is_dense == (name == "dense")  # both roads are walked by this test
    expected = histories.toarray() @ cosines(histories)
    np.testing.assert_allclose(found, expected, rtol=1e-6)  # float32 keeps 24 bits


@pytest.mark.parametrize("n_neighbors", [1, 5, 1000])
def test_kept_neighbors_alone_vote(n_neighbors):
    histories = worlds()["sparse"]
    model = ItemKind().train(histories, ItemSettings(n_neighbors), seed=0, progress=SILENT)

    found = model.scores(np.arange(30))

    expected = histories.toarray() @ top_neighbors(cosines(histories), n_neighbors)
    np.testing.assert_allclose(found, expected, rtol=1e-6)  # float32 keeps 24 bits


@pytest.mark.parametrize("settings", [ItemSettings(), ItemSettings(3)])
def test_sparse_lists_equal_sorted_scores(settings):
    """Items out of reach have score 0 and follow by row."""
    histories = worlds()["sparse"]
    model = ItemKind().train(histories, settings, seed=0, progress=SILENT)
    scores = model.scores(np.arange(30))
    scores[histories.toarray() > 0] = -1

    found = model.recommend(np.arange(30), k=150)

    assert np.array_equal(found.items, np.argsort(-scores, axis=1, kind="stable")[:, :150])


def test_an_item_that_nobody_has_scores_zero():
    likes = np.zeros((3, 4), bool)
    likes[:, :2] = True

    found = ItemKnn(histories_of(likes)).scores(np.arange(3))

    assert (found[:, 2:] == 0).all()
    assert (found[:, :2] == 2).all()
