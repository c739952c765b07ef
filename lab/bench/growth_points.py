"""One point of growth: a world of some size, and what one part of our side takes for it."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.bench.clock import Clock, resident_bytes
from lab.bench.matrices import Inputs
from lab.bench.ours_attack import scores_world
from lab.bench.ours_training import compile_all, rank, train
from services.attacker.attack import metrics
from services.attacker.attack.features import difference_features, linear_weights
from services.target.counting import QueryLog
from services.target.stored_lists import keep_lists, open_lists
from services.target.training import Trained
from shared.artifacts import ArtifactStore
from shared.datasets.synthetic import SyntheticSpec, generate
from shared.ranked_lists import RankedLists
from shared.recommenders.base import Algorithm, Hyperparameters
from shared.recommenders.item_knn import ItemSettings
from shared.recommenders.lfm import LfmSettings
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
    """Open stored lists as the target does at its start, and look at some."""
    n_users, n_items = options["users"], options["items"]
    with tempfile.TemporaryDirectory(dir=Path(options["inputs"]).parent) as folder:
        store = ArtifactStore(Path(folder))
        _keep(store, n_users, n_items, options)
        clock = Clock()
        with clock.part("open"):
            queries = QueryLog("growth", n_users)
            served = open_lists(store, "growth", user_ids=_names("u", n_users), queries=queries)
            _ = served.item_json, served.user_ids.row_of("u0")
        asked = _names("u", n_users)[:: max(n_users // _ASKED, 1)]
        clock_of_answers = Clock()
        with clock_of_answers.part("answer"):
            for user in asked:
                served.recommendations(user, _K, "somebody")
        clock.tell(
            units=n_users,
            figures={
                "open s": clock.seconds,
                "answer us": clock_of_answers.seconds / len(asked) * 1e6,
                "memory": clock_of_answers.peak_bytes - clock.before_bytes,
            },
        )


def _keep(store: ArtifactStore, n_users: int, n_items: int, options: Mapping[str, Any]) -> None:
    histories = Inputs.load(options["inputs"]).histories
    rng = np.random.default_rng(options["seed"])
    k = min(_K, n_items)
    firsts = rng.integers(n_items, size=(n_users + 1, 1), dtype=np.int32)
    lists: NDArray[np.int32] = np.mod(firsts + np.arange(k, dtype=np.int32), n_items, dtype=np.int32)
    keep_lists(
        store,
        "growth",
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
    """Features of all users, then the AUC and its interval."""
    libraries = resident_bytes()
    inputs = Inputs.load(options["inputs"])
    n_users, n_items = inputs.histories.shape
    rng = np.random.default_rng(options["seed"])
    lists = rng.integers(n_items, size=(n_users, _K), dtype=np.int32)
    vectors = rng.standard_normal((n_items, 100), dtype=np.float32)
    scores, is_member = scores_world({"users": n_users, "seed": options["seed"]})
    clock = Clock()
    with clock.part("features"):
        difference_features(inputs.histories, RankedLists.full(lists), vectors, weigh=linear_weights)
    features_s = clock.seconds
    with clock.part("interval"):
        metrics.auc_interval(metrics.placements(scores, is_member))
    clock.tell(
        units=n_users,
        figures={
            "features s": features_s,
            "interval s": clock.seconds - features_s,
            "memory": clock.peak_bytes - libraries,
        },
    )


def _names(letter: str, n: int) -> tuple[str, ...]:
    return tuple(f"{letter}{row}" for row in range(n))
