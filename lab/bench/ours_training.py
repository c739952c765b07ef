"""Our side of training and ranking, as the services do it: through the registry of recommenders."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from lab.bench.clock import Clock
from lab.bench.matrices import Inputs, cross_entropy
from shared.arrays import Histories, Rows, Vectors
from shared.interactions import binary_matrix
from shared.parallel import limited_to
from shared.progress import SILENT
from shared.recommenders.base import Algorithm, Hyperparameters, Recommender
from shared.recommenders.item_knn import ItemSettings
from shared.recommenders.lfm_training import LfmSettings
from shared.recommenders.ncf import NcfSettings
from shared.recommenders.registry import KINDS
from shared.recommenders.topk import users_at_once

_K = 100
_SCORED = 256  # users scored at a time
_NOTE = "ours is compiled before, on a toy; the machine code is kept on disk between runs"


def item(inputs: Inputs, options: Mapping[str, Any]) -> None:
    """Fit Item and rank for all users; options n_neighbors (None = all), k, lists (where to save them)."""
    settings = ItemSettings(n_neighbors=options["n_neighbors"])
    _compile(Algorithm.ITEM, settings)
    users = np.arange(inputs.histories.shape[0])
    clock = Clock()
    with clock.part("fit"):
        model = train(Algorithm.ITEM, inputs.histories, settings, seed=0)
    with clock.part("lists"):
        lists = rank(model, users, k=options["k"])
    np.save(options["lists"], lists)
    clock.tell(units=len(users), packages=("numba",), notes=(_NOTE,))


def lfm(inputs: Inputs, options: Mapping[str, Any]) -> None:
    """Train LFM and measure HR@100.

    options  factors, epochs, seed, threads, init_scale (None = the usual one), hogwild (False if absent)
    """
    settings = LfmSettings(
        n_factors=options["factors"], n_epochs=options["epochs"], hogwild=options.get("hogwild", False)
    )
    if (scale := options.get("init_scale")) is not None:
        settings = replace(settings, init_scale=scale)
    _compile(Algorithm.LFM, settings)
    clock = Clock()
    with limited_to(options["threads"]), clock.part("train"):
        model = train(Algorithm.LFM, inputs.histories, settings, seed=options["seed"])
    samples = inputs.histories.nnz * (1 + settings.n_negatives) * settings.n_epochs
    n_numbers = sum(inputs.histories.shape) * settings.n_factors
    clock.tell(
        units=samples,
        figures=_hit_rate(model, inputs),
        flops=samples * 8 * settings.n_factors,  # product 2, two updates 3 each
        moved_bytes=2 * 4 * n_numbers * settings.n_epochs,  # every vector read and written once an epoch
        packages=("numba",),
        notes=(_NOTE,),
    )


def ncf(inputs: Inputs, options: Mapping[str, Any]) -> None:
    """Train NCF; options epochs, seed; HR@100 if anything was held out."""
    settings = NcfSettings(n_epochs=options["epochs"])
    _compile(Algorithm.NCF, settings)
    clock = Clock()
    with clock.part("train"):
        model = train(Algorithm.NCF, inputs.histories, settings, seed=options["seed"])
    samples = inputs.histories.nnz * (1 + settings.n_negatives) * settings.n_epochs
    n = settings.n_mlp_factors
    products = 2 * n * n + n * n // 2 + n // 2 + 2 * settings.n_gmf_factors  # the layers, once
    clock.tell(
        units=samples,
        figures=_hit_rate(model, inputs),
        flops=samples * 3 * 2 * products,  # forward, and two ways back
        packages=("numba",),
        notes=(_NOTE,),
    )


def ncf_curve(inputs: Inputs, options: Mapping[str, Any]) -> None:
    """Train NCF for so many epochs, and again for more, from one seed.

    options  at (numbers of epochs), seed
    """
    _compile(Algorithm.NCF, NcfSettings())
    clock = Clock()
    figures = {}
    for n_epochs in options["at"]:
        with clock.part("train"):
            model = train(
                Algorithm.NCF, inputs.histories, NcfSettings(n_epochs=n_epochs), seed=options["seed"]
            )
        figures[f"loss after {n_epochs}"] = cross_entropy(inputs, partial(_logits, model))
    clock.tell(units=sum(options["at"]), figures=figures, packages=("numba",), notes=(_NOTE,))


def _logits(model: Recommender, users: Rows, items: Rows) -> Vectors:
    """Give the logits of pairs that are sorted by user: (n,) float32."""
    found = np.empty(len(users), dtype=np.float32)
    for start in range(0, model.histories.shape[0], _SCORED):
        rows = np.arange(start, min(start + _SCORED, model.histories.shape[0]))
        first, last = np.searchsorted(users, [rows[0], rows[-1] + 1])
        found[first:last] = model.scores(rows)[users[first:last] - start, items[first:last]]
    return found


def train(algorithm: Algorithm, histories: Histories, settings: Hyperparameters, *, seed: int) -> Recommender:
    """Train a recommender."""
    return KINDS[algorithm].train(histories, settings, seed=seed, progress=SILENT)


def rank(model: Recommender, users: Rows, *, k: int) -> "np.ndarray[tuple[int, int], np.dtype[np.int32]]":
    """Rank for users, in the chunks of a deployment: (n, k) int32."""
    lists = np.empty((len(users), k), dtype=np.int32)
    chunk = users_at_once(model.histories.shape[1])
    for start in range(0, len(users), chunk):
        lists[start : start + chunk] = model.recommend(users[start : start + chunk], k=k).items
    return lists


def compile_all() -> None:
    """Compile every loop that training and ranking need, so that it is not measured."""
    for settings in (ItemSettings(), ItemSettings(n_neighbors=5)):
        _compile(Algorithm.ITEM, settings)
    _compile(Algorithm.LFM, LfmSettings(n_epochs=1))
    _compile(Algorithm.NCF, NcfSettings(n_epochs=1))


def _compile(algorithm: Algorithm, settings: Hyperparameters) -> None:
    """Run all loops once; Item has one way for dense data and one for sparse, so two toys are used."""
    short = replace(settings, n_epochs=1) if isinstance(settings, LfmSettings | NcfSettings) else settings
    for n_users, n_items, n_pairs in ((40, 20, 300), (40, 4000, 80)):
        rng = np.random.default_rng(0)
        users, items = rng.integers(n_users, size=n_pairs), rng.integers(n_items, size=n_pairs)
        toy = binary_matrix(users, items, (n_users, n_items))
        rank(train(algorithm, toy, short, seed=0), np.arange(n_users), k=5)


def _hit_rate(model: Recommender, inputs: Inputs) -> dict[str, float]:
    if not len(inputs.users):
        return {}
    lists = rank(model, inputs.users, k=_K)
    return {"HR@100": float((lists == inputs.items[:, None]).any(axis=1).mean())}
