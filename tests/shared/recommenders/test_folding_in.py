"""Lists for people whom a recommender was not trained on, from their histories alone."""

import numpy as np
import pytest
import torch
from recommender_worlds import checkerboard, histories_of, random_world
from test_recommenders_conformance import CASES, COUNTING, PERSONAL, train

from shared.parallel import THREADS
from shared.recommenders import lfm_folding, ncf_folding
from shared.recommenders.base import Algorithm
from shared.recommenders.ncf_loops import new_tile
from shared.recommenders.registry import parse_hyperparameters
from shared.recommenders.sampling import unpack
from shared.recommenders.storage import load, save

STRANGERS = random_world(12, 40, seed=9)

every = pytest.mark.parametrize("name", CASES)


@every
def test_own_history_is_left_out_and_the_list_ends_with_the_catalogue(name):
    found = train(name, random_world()).fold_in(STRANGERS, k=1000)

    for row in range(12):
        own = set(STRANGERS[[row]].indices.tolist())
        assert set(found.of(row).tolist()) == set(range(40)) - own


@pytest.mark.parametrize("name", PERSONAL)
def test_the_item_missing_from_a_checkerboard_comes_first(name):
    """Strangers like what members of their kind like, all but one item, which is the right answer."""
    histories, _ = checkerboard(40)
    likes = (np.arange(4)[:, None] + np.arange(40)[None, :]) % 2 == 0
    missing = np.array([20, 7, 32, 15])
    likes[np.arange(4), missing] = False

    found = train(name, histories).fold_in(histories_of(likes), k=1)

    assert np.array_equal(found.items[:, 0], missing)


@every
def test_folding_in_many_equals_folding_in_one(name):
    model = train(name, random_world())

    found = model.fold_in(STRANGERS, k=40)

    for row in range(12):
        assert np.array_equal(found.of(row), model.fold_in(STRANGERS[[row]], k=40).of(0))


@every
def test_nothing_is_learned_and_nothing_changed(name):
    model = train(name, random_world())
    parts = [*model.to_arrays().values(), STRANGERS.data, STRANGERS.indices, STRANGERS.indptr]
    before = [part.copy() for part in parts]

    first, second = (model.fold_in(STRANGERS, k=9).items for _ in range(2))

    assert np.array_equal(first, second)
    assert all(np.array_equal(old, new) for old, new in zip(before, parts, strict=True))


@every
def test_the_number_of_threads_changes_nothing(name, monkeypatch):
    model, many, found = train(name, random_world()), random_world(200, 40, seed=5), {}
    for threads in ("1", "3"):
        monkeypatch.setenv(THREADS, threads)
        found[threads] = model.fold_in(many, k=20).items

    assert np.array_equal(found["1"], found["3"])


@every
def test_a_stored_model_folds_in_as_before(name, tmp_path):
    algorithm, values = CASES[name]
    model = train(name, random_world())
    save(model, algorithm, parse_hyperparameters(algorithm, values), tmp_path / "model")

    again = load(tmp_path / "model")

    assert np.array_equal(again.fold_in(STRANGERS, k=40).items, model.fold_in(STRANGERS, k=40).items)


@every
def test_ties_go_to_the_smaller_item_row(name):
    """Items 5, ..., 11 are had by nobody; under counting they tie."""
    likes = np.zeros((6, 12), bool)
    likes[:, 0:5] = np.eye(6, 5, dtype=bool) | (np.arange(5) == 3)
    model = train(name, histories_of(likes))

    found = model.fold_in(histories_of(np.arange(12)[None, :] == 3), k=12)

    if name in COUNTING:
        assert found.of(0).tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]
    assert sorted(found.of(0)) == [item for item in range(12) if item != 3]


@every
def test_somebody_who_has_everything_gets_an_empty_list(name):
    found = train(name, random_world()).fold_in(histories_of(np.ones((1, 40), bool)), k=3)

    assert found.lengths.tolist() == [0]


@every
def test_what_cannot_be_folded_in_is_an_error(name):
    model = train(name, random_world())

    with pytest.raises(ValueError, match="history 1 is empty"):
        model.fold_in(histories_of(np.array([[True] * 40, [False] * 40])), k=3)
    with pytest.raises(ValueError, match="must have 40 items, found 41"):
        model.fold_in(random_world(3, 41), k=3)
    with pytest.raises(ValueError, match="k must be at least 1"):
        model.fold_in(STRANGERS, k=0)


@pytest.mark.parametrize("name", COUNTING)
def test_what_is_counted_gives_members_the_lists_that_they_have(name):
    histories = random_world()
    model = train(name, histories)

    assert np.array_equal(model.fold_in(histories, k=9).items, model.recommend(np.arange(30), k=9).items)


def test_no_other_vector_fits_a_history_better_under_lfm():
    """The objective, written down plainly, rises in every direction; its gradient is 0."""
    rng = np.random.default_rng(0)
    items = rng.standard_normal((40, 7)).astype(np.float32)
    gram, n_negatives, regularization = lfm_folding.gram_matrix(items), 2, 0.05

    found = lfm_folding.fold_in(
        STRANGERS, items, gram, n_negatives=n_negatives, regularization=regularization
    )

    for row, p in enumerate(found.astype(float)):
        has = STRANGERS[[row]].toarray()[0] > 0
        weights = np.where(has, 1.0, n_negatives * has.sum() / (~has).sum())
        gradient = (
            items.T @ (weights * (items @ p - has)) + regularization * (1 + n_negatives) * has.sum() * p
        )
        np.testing.assert_allclose(gradient, 0, atol=1e-4)  # p is float32


def test_a_history_that_many_vectors_fit_gets_one_of_them_under_lfm():
    """Nothing regularizes and no negatives are drawn: two equations for seven numbers."""
    items = np.random.default_rng(0).standard_normal((40, 7)).astype(np.float32)
    history = histories_of(np.isin(np.arange(40), [3, 8])[None, :])

    found = lfm_folding.fold_in(
        history, items, lfm_folding.gram_matrix(items), n_negatives=0, regularization=0.0
    )

    np.testing.assert_allclose(items[[3, 8]] @ found[0], 1, atol=1e-4)


def test_ncf_takes_the_steps_that_pytorch_takes():
    """The same start, samples and Adam on the user's vector alone, by automatic differentiation."""
    model = train("ncf", random_world())
    history = STRANGERS[[0]]
    w = {name: torch.tensor(array) for name, array in model.weights._asdict().items()}
    n = len(model.weights.w1)
    user = w["users"].mean(dim=0).clone().requires_grad_(True)
    adam = torch.optim.Adam([user], lr=0.05)
    for batch in ncf_folding.draw_batches(history, n_negatives=4):
        _, rows, labels = (torch.tensor(part) for part in unpack(batch))
        items, size = w["items"][rows], len(rows)
        x = torch.cat([user[:n].expand(size, n), items[:, :n]], dim=1)
        h2 = torch.relu(torch.relu(x @ w["w1"].T + w["b1"]) @ w["w2"].T + w["b2"])
        z = torch.cat([user[n:] * items[:, n:], h2], dim=1) @ w["w3"] + w["b3"]
        adam.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(z, labels.float()).backward()
        adam.step()

    found = ncf_folding.fold_in(
        history, model.weights, model._item_rows, new_tile(model.weights), n_negatives=4
    )

    np.testing.assert_allclose(found[0], user.detach().numpy(), atol=2e-4)  # float32, 30 steps of 0.05


def test_every_algorithm_folds_in():
    assert {algorithm for algorithm, _ in CASES.values()} == set(Algorithm)
