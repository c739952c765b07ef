"""The synthetic dataset looks like real ones, is the same for the same seed, and is asked for by name."""

import numpy as np
import pytest
from scipy import sparse

from shared.datasets.figures import figures_of
from shared.datasets.splits import Division, DivisionSpec, divide
from shared.datasets.synthetic import SyntheticSpec, generate, parse_name
from shared.errors import BadInput, JobStopped
from shared.progress import Progress

SMALL = SyntheticSpec(n_users=200, n_items=500, mean_history=20, n_tastes=8)


@pytest.fixture(scope="module")
def default():
    return generate(SyntheticSpec(), seed=0)


def neighbor_similarity(histories) -> float:
    """Mean cosine of an item's 10 nearest items, over 500 items that 10 or more users have."""
    counts = np.asarray(histories.sum(axis=0)).ravel()
    items = np.flatnonzero(counts >= 10)
    unit = histories[:, items].astype(np.float64) @ sparse.diags_array(1 / np.sqrt(counts[items]))
    asked = np.random.default_rng(0).choice(len(items), 500, replace=False)
    cosines = (unit[:, asked].T @ unit).toarray()
    cosines[np.arange(500), asked] = -1
    return float(np.sort(cosines, axis=1)[:, -10:].mean())


def shuffled(histories):
    """The same lengths and counts without the tastes: users swap items that the other has not."""
    rng = np.random.default_rng(0)
    users, items = (part.astype(np.int64) for part in histories.nonzero())
    n_items = histories.shape[1]
    for _ in range(10):
        order = rng.permutation(len(users))
        a, b = order[: len(users) // 2], order[len(users) // 2 : len(users) // 2 * 2]
        wanted = np.stack([users[a] * n_items + items[b], users[b] * n_items + items[a]])
        _, place, times = np.unique(wanted, return_inverse=True, return_counts=True)
        free = (times[place.reshape(wanted.shape)] == 1) & ~np.isin(wanted, users * n_items + items)
        a, b = a[free.all(axis=0)], b[free.all(axis=0)]
        items[a], items[b] = items[b], items[a]
    ones = np.ones(len(users), dtype=np.float32)
    return sparse.coo_array((ones, (users, items)), shape=histories.shape).tocsr()


def test_the_default_has_the_shape_of_real_datasets(default):
    """Bands that take in Last.fm 2k (gini 0.73, top 1 % 0.32) and MovieLens 1M (0.63, 0.09)."""
    figures = figures_of(default)

    assert (figures.n_users, figures.n_items) == (2000, 8000)
    assert figures.mean_history == pytest.approx(90, rel=0.05)
    assert 70 < figures.median_history < figures.mean_history < figures.max_history < 1000
    assert 0.6 < figures.popularity_gini < 0.8
    assert 0.09 < figures.top_percent_share < 0.32
    assert default.item_counts.max() < 0.6 * 2000


def test_items_have_neighbors_that_their_counts_do_not_explain(default):
    """Against a shuffle that keeps lengths and counts: Last.fm 2k 2.2 times, MovieLens 1M 1.6 times."""
    histories = default.histories
    null = shuffled(histories)

    assert null.data.max() == 1.0
    assert np.array_equal(null.sum(axis=0), histories.sum(axis=0))
    assert np.array_equal(null.sum(axis=1), histories.sum(axis=1))
    assert 1.5 < neighbor_similarity(histories) / neighbor_similarity(null) < 3.0


def test_a_third_of_the_default_keeps_most_users(default):
    parts = divide(default, DivisionSpec(Division.BY_INTERACTION, seed=1))

    assert parts.shadow.n_users >= 1200
    assert parts.target.n_users >= 1200


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    first, again, other = (generate(SMALL, seed=seed) for seed in (1, 1, 2))

    assert first.histories.indices.tobytes() == again.histories.indices.tobytes()
    assert first.content_hash == again.content_hash != other.content_hash


def test_histories_are_binary_sorted_and_without_repeats():
    histories = generate(SMALL, seed=1).histories

    assert histories.dtype == np.float32
    assert set(histories.data) == {1.0}
    for row in range(histories.shape[0]):
        items = histories.indices[histories.indptr[row] : histories.indptr[row + 1]]
        assert np.all(np.diff(items) > 0)


def test_names_are_in_the_order_of_the_rows():
    interactions = generate(SMALL, seed=1)

    assert interactions.user_ids.names[:2] == ("u000", "u001")
    assert list(interactions.item_ids.names) == sorted(interactions.item_ids.names)


def test_lengths_keep_their_bounds():
    spec = SyntheticSpec(
        n_users=500, n_items=60, mean_history=20, history_spread=1.5, min_history=7, n_tastes=3
    )

    lengths = generate(spec, seed=1).history_lengths

    assert lengths.min() == 7
    assert lengths.max() <= 30


def test_without_spread_everybody_has_the_same_number_of_items():
    spec = SyntheticSpec(n_users=300, n_items=500, mean_history=25, history_spread=0)

    assert set(generate(spec, seed=1).history_lengths.tolist()) == {25}


def test_a_user_whose_only_taste_runs_out_has_a_shorter_history():
    """20 tastes of 5 items, and users with a single taste: no one can have 40."""
    spec = SyntheticSpec(
        n_users=50,
        n_items=100,
        mean_history=40,
        history_spread=0,
        n_tastes=20,
        taste_concentration=0.001,
        mainstream=0,
    )

    assert np.median(generate(spec, seed=1).history_lengths) == 5


def test_pure_mainstream_has_no_tastes():
    """Without tastes an item's neighbors are as near as in a shuffle; 0.05 is three times the noise seen."""
    histories = generate(SyntheticSpec(mainstream=1.0), seed=3).histories

    ratio = neighbor_similarity(histories) / neighbor_similarity(shuffled(histories))

    assert ratio == pytest.approx(1.0, abs=0.05)


def test_a_dataset_of_many_blocks_is_whole():
    """30,000 users at 50 items and more are generated in two runs, the second no copy of the first."""
    spec = SyntheticSpec(n_users=30_000, n_items=2000, mean_history=50)

    interactions = generate(spec, seed=1)

    assert interactions.n_users == 30_000
    assert interactions.history_lengths.min() == spec.min_history
    assert interactions.history_lengths.mean() == pytest.approx(50, rel=0.02)
    rows = {interactions.histories.indices[a : a + 10].tobytes() for a in interactions.histories.indptr[:-1]}
    assert len(rows) > 29_900


def test_generation_stops_when_asked():
    with pytest.raises(JobStopped):
        generate(SMALL, seed=1, progress=Progress(should_stop=lambda: True))


@pytest.mark.parametrize(
    ("name", "spec", "seed"),
    [
        ("synthetic", SyntheticSpec(), 0),
        ("synthetic:", SyntheticSpec(), 0),
        ("synthetic:seed=7", SyntheticSpec(), 7),
        (
            "synthetic:users=100000,items=20000,history=50,seed=3",
            SyntheticSpec(n_users=100_000, n_items=20_000, mean_history=50.0),
            3,
        ),
        (
            "synthetic: spread = 0.8 , tastes=12,exponent=0.9,head=5"
            ",mainstream=0.3,concentration=2,min_history=3",
            SyntheticSpec(
                history_spread=0.8,
                n_tastes=12,
                popularity_exponent=0.9,
                popularity_head=5.0,
                mainstream=0.3,
                taste_concentration=2.0,
                min_history=3,
            ),
            0,
        ),
    ],
)
def test_a_name_gives_a_spec_and_a_seed(name, spec, seed):
    assert parse_name(name) == (spec, seed)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("synthetic:color=red", "no setting 'color'; choose from users, items, history"),
        ("synthetic:users=many", "users needs a whole number, found 'many'"),
        ("synthetic:users=1.5", "users needs a whole number"),
        ("synthetic:history=", "history needs a number"),
        ("synthetic:users=1", r"n_users must lie in \[2, "),
        ("synthetic:history=9000", "mean_history must lie in"),
        ("synthetic:history=nan", "mean_history must lie in"),
        ("synthetic:users=1000000000,history=50", "interactions expected"),
        ("synthesis", "is called synthetic"),
    ],
)
def test_a_name_that_makes_no_sense_is_bad_input(name, words):
    with pytest.raises(BadInput, match=words):
        parse_name(name)
