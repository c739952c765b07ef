"""One point of growth: a world of some size, and what one part of our side takes for it."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.bench.clock import Clock, resident_bytes
from lab.bench.growth_floor import measure_floor
from lab.bench.matrices import Inputs
from lab.bench.ours_attack import compile_features, scores_world
from lab.bench.ours_training import compile_all, rank, train
from services.attacker.attack import metrics
from services.attacker.attack.features import difference_features, linear_weights
from services.target.counting import QueryLog
from services.target.serving import ServedDeployment
from services.target.stored_lists import keep_lists, open_lists
from services.target.training import Trained
from shared.arrays import Histories
from shared.artifacts import ArtifactStore
from shared.datasets.synthetic import SyntheticSpec, generate
from shared.interactions import binary_matrix
from shared.ranked_lists import RankedLists
from shared.recommenders.base import Algorithm, Hyperparameters
from shared.recommenders.item_knn import ItemSettings
from shared.recommenders.lfm_training import LfmSettings
from shared.recommenders.ncf import NcfSettings

_K = 100
_RANKED = 1024  # users whose lists are timed; the time for all follows from it
_ASKED = 2000
_TRAININGS: Mapping[str, tuple[Algorithm, Hyperparameters]] = {
    "item": (Algorithm.ITEM, ItemSettings(n_neighbors=100)),
    "lfm": (Algorithm.LFM, LfmSettings(n_epochs=1)),
    "ncf": (Algorithm.NCF, NcfSettings(n_epochs=1)),
}


def measure(options: Mapping[str, Any]) -> None:
    """Measure a part; options part, inputs (a file), users, items, interactions, seed."""
    part = options["part"]
    others: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
        "world": _write_world,
        "floor": measure_floor,
        "serving": _serve,
        "attack": _attack,
    }
    if part in others:
        others[part](options)
    else:
        _train_and_rank(part, options)


def _write_world(options: Mapping[str, Any]) -> None:
    """Generate the synthetic dataset of this size and keep it as a file."""
    mean = options["interactions"] / options["users"]
    # few tastes and a heavy tail, so that the longest histories find enough items
    spec = SyntheticSpec(
        n_users=options["users"],
        n_items=options["items"],
        mean_history=mean,
        min_history=1,
        n_tastes=4,
        popularity_exponent=1.0,
    )
    clock = Clock()
    with clock.part("generate"):
        histories = generate(spec, seed=options["seed"]).histories
    none = np.zeros(0, dtype=np.int64)
    Inputs(histories, none, none).save(Path(options["inputs"]))
    clock.tell(units=histories.nnz, figures={"interactions": histories.nnz})


def _train_and_rank(part: str, options: Mapping[str, Any]) -> None:
    compile_all()
    libraries = resident_bytes()
    inputs = Inputs.load(options["inputs"])
    n_users = inputs.histories.shape[0]
    algorithm, settings = _TRAININGS[part]
    users = np.sort(np.random.default_rng(0).permutation(n_users)[:_RANKED])
    clock = Clock()
    with clock.part("train"):
        model = train(algorithm, inputs.histories, settings, seed=options["seed"])
    rank(model, users[:1], k=_K)  # what is worked out once for all lists
    clock_of_lists = Clock()
    with clock_of_lists.part("lists"):
        rank(model, users, k=_K)
    lists_s = clock_of_lists.seconds * n_users / len(users)
    clock.tell(
        units=inputs.histories.nnz,
        figures={
            "train s": clock.seconds,
            "lists s": lists_s,
            "train memory": clock.peak_bytes - libraries,
            "lists memory": clock_of_lists.peak_bytes - libraries,
        },
    )


def _serve(options: Mapping[str, Any]) -> None:
    """Open stored lists as the target does at its start, look at some, and then have all been asked for."""
    n_users = options["users"]
    toy = binary_matrix(np.array([0, 1]), np.array([1, 0]), (2, 2))
    with tempfile.TemporaryDirectory(dir=Path(options["inputs"]).parent) as folder:
        store = ArtifactStore(Path(folder))
        _keep(store, "toy", toy, seed=0)
        _opened(store, "toy", 2)  # what is compiled is compiled
        _keep(store, "growth", Inputs.load(options["inputs"]).histories, seed=options["seed"])
        clock, clock_of_answers, clock_of_all = Clock(), Clock(), Clock()
        with clock.part("open"):
            served = _opened(store, "growth", n_users)
        asked = _names("u", n_users)[:: max(n_users // _ASKED, 1)]
        with clock_of_answers.part("answer"):
            for user in asked:
                served.recommendations(user, _K, "somebody")
        with clock_of_all.part("all"):
            _ = (
                served.items.max()
            )  # every page of the lists is in memory, as when everybody has been asked for
        clock.tell(
            units=n_users,
            figures={
                "open s": clock.seconds,
                "answer us": clock_of_answers.seconds / len(asked) * 1e6,
                "memory": clock_of_all.peak_bytes - clock.before_bytes,
            },
        )


def _opened(store: ArtifactStore, name: str, n_users: int) -> ServedDeployment:
    """Open lists and answer once, so that all is made that the first answers need."""
    served = open_lists(store, name, user_ids=_names("u", n_users), queries=QueryLog(name, n_users))
    served.recommendations("u0", _K, "somebody")
    return served


def _keep(store: ArtifactStore, name: str, histories: Histories, *, seed: int) -> None:
    """Store lists of which only the size matters."""
    n_users, n_items = histories.shape
    k = min(_K, n_items)
    firsts = np.random.default_rng(seed).integers(n_items, size=(n_users + 1, 1), dtype=np.int32)
    lists: NDArray[np.int32] = np.mod(firsts + np.arange(k, dtype=np.int32), n_items, dtype=np.int32)
    keep_lists(
        store,
        name,
        Trained(
            user_ids=(),
            item_ids=_names("i", n_items),
            histories=histories,
            is_member=np.zeros(n_users, dtype=np.bool_),
            items=lists,
            lengths=np.full(n_users + 1, k, dtype=np.int32),
            is_found=np.ones(n_users + 1, dtype=np.bool_),
            popular=np.arange(k, dtype=np.int32),
            model={},
            n_left_out=0,
        ),
    )


def _attack(options: Mapping[str, Any]) -> None:
    """Features of all users, then the AUC and its interval; the lists hold random items: the dearest case."""
    compile_features()
    libraries = resident_bytes()
    histories = Inputs.load(options["inputs"]).histories
    n_users, n_items = histories.shape
    rng = np.random.default_rng(options["seed"])
    lists = rng.integers(n_items, size=(n_users, _K), dtype=np.int32)
    ranked = RankedLists(lists, np.full(n_users, _K, dtype=np.int32))
    vectors = rng.standard_normal((n_items, 100), dtype=np.float32)
    scores, is_member = scores_world({"users": n_users, "seed": options["seed"]})
    clock, clock_of_interval = Clock(), Clock()
    with clock.part("features"):
        difference_features(histories, ranked, vectors, weigh=linear_weights)
    with clock_of_interval.part("interval"):
        metrics.auc_interval(metrics.placements(scores, is_member))
    clock.tell(
        units=n_users,
        figures={
            "features s": clock.seconds,
            "interval s": clock_of_interval.seconds,
            "memory": max(clock.peak_bytes, clock_of_interval.peak_bytes) - libraries,
        },
    )


def _names(letter: str, n: int) -> tuple[str, ...]:
    return tuple(f"{letter}{row}" for row in range(n))
