"""What every recommender does; a new one is a line in CASES."""

import numpy as np
import pytest
from recommender_worlds import checkerboard, histories_of, random_world

from shared.errors import JobStopped
from shared.parallel import THREADS
from shared.progress import SILENT, Progress
from shared.recommenders.base import Algorithm, Hyperparameters
from shared.recommenders.registry import KINDS, parse_hyperparameters
from shared.recommenders.storage import load, save

CASES = {
    "popularity": (Algorithm.POPULARITY, {}),
    "item": (Algorithm.ITEM, {}),
    "item, 20 neighbors": (Algorithm.ITEM, {"n_neighbors": 20}),
    "lfm": (Algorithm.LFM, {"n_factors": 4, "learning_rate": 0.05, "n_epochs": 60}),
    "lfm, uniform": (
        Algorithm.LFM,
        {"n_factors": 4, "learning_rate": 0.05, "n_epochs": 60, "init": "uniform", "init_scale": 0.3},
    ),
    "lfm, blocks": (
        Algorithm.LFM,
        {"n_factors": 4, "learning_rate": 0.05, "n_epochs": 60, "n_blocks": 5},
    ),
    "ncf": (
        Algorithm.NCF,
        {"n_mlp_factors": 8, "n_gmf_factors": 4, "learning_rate": 0.01, "n_epochs": 30, "batch_size": 64},
    ),
}
DRAWING = ("lfm", "lfm, uniform", "lfm, blocks", "ncf")  # training draws random numbers
COUNTING = ("popularity", "item", "item, 20 neighbors")
PERSONAL = tuple(name for name in CASES if name != "popularity")

every = pytest.mark.parametrize("name", CASES)


def train(name, histories, *, seed=3, progress=SILENT, **settings):
    algorithm, values = CASES[name]
    known = parse_hyperparameters(algorithm, values | settings)
    return KINDS[algorithm].train(histories, known, seed=seed, progress=progress)


def lists(name, histories, *, k=5, seed=3):
    return train(name, histories, seed=seed).recommend(np.arange(histories.shape[0]), k=k)


@every
def test_own_history_is_never_recommended(name):
    histories = random_world()

    found = lists(name, histories, k=10)

    for row in range(30):
        assert not set(found.of(row)) & set(histories[[row]].indices)
        assert len(set(found.of(row))) == 10


@pytest.mark.parametrize("name", PERSONAL)
def test_the_item_missing_from_a_checkerboard_comes_first(name):
    """Even users like even items; user u lacks item u alone of those, so u is the right answer."""
    histories, missing = checkerboard(40)

    found = lists(name, histories, k=1)

    assert np.array_equal(found.items[:, 0], missing)


@every
def test_asking_for_many_equals_asking_for_one(name):
    model = train(name, random_world(30, 300))
    rows = np.array([7, 3, 3, 29, 0])

    found, scores = model.recommend(rows, k=300), model.scores(rows)

    for place, row in enumerate(rows):
        one = np.array([row])
        assert np.array_equal(found.of(place), model.recommend(one, k=300).of(0))
        assert np.array_equal(scores[place], model.scores(one)[0])


@every
def test_lists_are_the_sorted_scores(name):
    histories = random_world()
    model = train(name, histories)
    rows = np.arange(histories.shape[0])

    found, scores = model.recommend(rows, k=4), model.scores(rows)

    assert scores.dtype == np.float32
    scores[histories.toarray() > 0] = -np.inf
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :4]
    assert np.array_equal(found.items, expected)


@pytest.mark.parametrize("name", COUNTING)
def test_users_in_another_order_get_their_lists_in_that_order(name):
    histories = random_world(30, 200)
    order = np.random.default_rng(1).permutation(30)

    assert np.array_equal(lists(name, histories[order]).items, lists(name, histories).items[order])


@every
def test_the_same_seed_gives_the_same_bytes(name):
    first, second = (train(name, random_world()).to_arrays() for _ in range(2))

    assert first.keys() == second.keys()
    assert all(first[part].tobytes() == second[part].tobytes() for part in first)


@every
def test_the_number_of_threads_changes_nothing(name, monkeypatch):
    histories = random_world(200, 150)
    found = {}
    for threads in ("1", "3"):
        monkeypatch.setenv(THREADS, threads)
        model = train(name, histories)
        rows = np.arange(200)
        found[threads] = (
            *(array.tobytes() for array in model.to_arrays().values()),
            model.scores(rows).tobytes(),
            model.recommend(rows, k=20).items.tobytes(),
        )

    assert found["1"] == found["3"]


@pytest.mark.parametrize("name", DRAWING)
def test_another_seed_gives_other_bytes(name):
    first, second = (train(name, random_world(), seed=seed).to_arrays() for seed in (3, 4))

    assert all(first[part].tobytes() != second[part].tobytes() for part in first)


@every
def test_inputs_are_unchanged(name):
    histories, rows = random_world(), np.array([4, 1])
    parts = (histories.data, histories.indices, histories.indptr, rows)
    before = [part.copy() for part in parts]

    train(name, histories).recommend(rows, k=3)

    assert all(np.array_equal(old, new) for old, new in zip(before, parts, strict=True))


@every
def test_ties_go_to_the_smaller_item_row(name):
    """Items that nobody has score alike under counting; equal scores follow by row under any algorithm."""
    likes = np.zeros((6, 12), bool)
    likes[:, 3] = likes[:, 8] = True
    likes[0, 8] = False
    model = train(name, histories_of(likes))

    found = model.recommend(np.arange(6), k=12)

    scores = model.scores(np.arange(6))
    for user in range(6):
        order = [(-scores[user, item], item) for item in found.of(user)]
        assert order == sorted(order)
    if name in COUNTING:
        assert list(found.of(0)) == [8, 0, 1, 2, 4, 5, 6, 7, 9, 10, 11]


@every
def test_a_list_ends_with_the_catalogue(name):
    histories = random_world()

    found = lists(name, histories, k=1000)

    assert np.array_equal(found.lengths, 40 - np.diff(histories.indptr))


@every
def test_no_items_asked_for_is_an_error(name):
    with pytest.raises(ValueError, match="k must be at least 1, found 0"):
        train(name, random_world()).recommend(np.array([0]), k=0)


@every
def test_a_stored_model_gives_the_same_lists(name, tmp_path):
    histories = random_world()
    algorithm, values = CASES[name]
    model = train(name, histories)
    save(model, algorithm, parse_hyperparameters(algorithm, values), tmp_path / "model")

    again = load(tmp_path / "model")

    expected = model.recommend(np.arange(30), k=40)
    assert np.array_equal(again.recommend(np.arange(30), k=40).items, expected.items)
    assert np.array_equal(again.histories.toarray(), histories.toarray())


@every
def test_training_stops_within_an_epoch_when_asked(name):
    stopping = Progress(should_stop=lambda: True)

    with pytest.raises(JobStopped):
        train(name, random_world(), progress=stopping)


@pytest.mark.parametrize("name", DRAWING)
def test_progress_rises_and_no_epoch_follows_a_stop(name):
    seen = []
    stopping = Progress(report=lambda f, _: seen.append(f), should_stop=lambda: len(seen) >= 4)

    with pytest.raises(JobStopped):
        train(name, random_world(), progress=stopping)

    assert seen == sorted(seen)
    assert len(seen) == 4


@every
def test_there_must_be_something_to_train_on(name):
    with pytest.raises(ValueError, match="at least one user"):
        train(name, histories_of(np.zeros((3, 4), bool)))


@every
def test_settings_of_another_algorithm_are_refused(name):
    with pytest.raises(ValueError, match="found Hyperparameters"):
        KINDS[CASES[name][0]].train(random_world(), Hyperparameters(), seed=0, progress=SILENT)


@pytest.mark.parametrize("name", DRAWING)
def test_divergence_is_an_error(name):
    with pytest.raises(ValueError, match="diverged"):
        train(name, random_world(), learning_rate=1e30)


@pytest.mark.parametrize("name", DRAWING)
def test_a_user_without_a_negative_is_an_error(name):
    with pytest.raises(ValueError, match="user row 1 has all 3 items"):
        train(name, histories_of(np.array([[True, False, False], [True, True, True]])))


def test_every_algorithm_conforms():
    assert {algorithm for algorithm, _ in CASES.values()} == set(KINDS) == set(Algorithm)
