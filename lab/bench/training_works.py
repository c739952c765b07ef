"""Training and ranking: Item, LFM and NCF against their peers."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lab.bench.matrices import Inputs
from lab.bench.peers import own_python, script
from lab.bench.runs import Contender, Goal, Outcome, Work, run_process
from lab.bench.settings import Settings
from shared.datasets import registry
from shared.errors import JobFailed, NotFound
from shared.randomness import rng_for
from shared.recommenders.quality import held_out, without

Options = Mapping[str, Any]
_OURS = "ours"
_IMPLICIT, _SCIPY = "implicit, 2 threads", "scipy product, 1 thread"
_CORNAC, _TORCH = "cornac MF, hogwild", "PyTorch, dense Adam"
_K = 100
_SEEDS = 5


def item_works(settings: Settings) -> Iterator[Work]:
    """Item: 100 neighbors on ml-1m, all neighbors on ml-1m and adm."""
    implicit = partial(_peer, settings, _IMPLICIT, "implicit_cosine", "implicit")
    scipy = partial(_peer, settings, _SCIPY, "scipy_item", None)
    for dataset, n_neighbors, peers, goals in (
        ("ml-1m", 100, [implicit], [Goal("rate", _IMPLICIT, least=1.25)]),
        ("ml-1m", None, [scipy], [Goal("rate", _SCIPY, least=2.0), Goal("peak bytes", most=1e9)]),
        ("adm", None, [scipy], [Goal("rate", _SCIPY, least=2.0), Goal("peak bytes", most=1e9)]),
    ):
        how_many = "all" if n_neighbors is None else str(n_neighbors)
        yield Work(
            key=f"item-{how_many}-{dataset}",
            title=f"Item, {how_many} neighbors, {dataset}: fit, and lists of {_K} for all users",
            unit="lists",
            open=opening(
                settings,
                dataset,
                _whole,
                {"n_neighbors": n_neighbors, "k": _K, "threads": settings.n_threads},
                [partial(_ours, settings, "item"), *peers],
            ),
            goals=goals,
        )


def lfm_works(settings: Settings) -> Iterator[Work]:
    """LFM on ml-1m and adm, one interaction of each user held out."""
    options = {
        "factors": 100,
        "epochs": int(settings.pick(20, 2)),
        "threads": settings.n_threads,
        "seed": 0,
        "init_scale": 0.01,
    }
    cornac = partial(_peer, settings, _CORNAC, "cornac_mf", "cornac")
    ours = partial(_ours, settings, "lfm")  # from cornac's start: the same work
    otherwise = partial(_ours_otherwise, settings, what="lfm")
    usual_start = partial(otherwise, name="ours, usual start", init_scale=None)
    one_thread = partial(otherwise, name="ours, 1 thread", threads=1)
    hogwild = partial(otherwise, name="ours, hogwild", hogwild=True)
    for dataset in ("ml-1m", "adm"):
        yield Work(
            key=f"lfm-{dataset}",
            title=f"LFM, 100 factors, 1 negative per positive, {dataset}: {options['epochs']} epochs",
            unit="samples",
            open=opening(
                settings, dataset, _held_out, options, [ours, one_thread, usual_start, hogwild, cornac]
            ),
            goals=[Goal("rate", _CORNAC, least=1.2), Goal("HR@100", _CORNAC, least=1.0)],
        )


def ncf_works(settings: Settings) -> Iterator[Work]:
    """NCF on half of the users of ml-1m and adm: samples a second, no quality."""
    options = {"epochs": 1, "seconds": settings.pick(20, 1), "threads": settings.n_threads, "seed": 0}
    peers = [
        partial(_peer, settings, _TORCH, "torch_neumf", None, optimizer="dense"),
        partial(_peer, settings, f"{_TORCH}, 1 thread", "torch_neumf", None, optimizer="dense", threads=1),
        partial(_peer, settings, "PyTorch, SparseAdam", "torch_neumf", None, optimizer="sparse"),
        partial(_peer, settings, "LibRecommender", "libreco_ncf", "librecommender"),
        partial(_peer, settings, "RecBole", "recbole_neumf", "recbole"),
        partial(_peer, settings, "cornac NeuMF", "cornac_neumf", "cornac"),
    ]
    for dataset, ratio in (("ml-1m", 8.0), ("adm", 50.0)):
        yield Work(
            key=f"ncf-{dataset}",
            title=f"NCF, batch 256, 4 negatives, half of the users of {dataset}: one epoch of ours, "
            f"{options['seconds']:.0f} s of each peer",
            unit="samples",
            open=opening(settings, dataset, half, options, [partial(_ours, settings, "ncf"), *peers]),
            goals=[Goal("rate", peer, least=ratio) for peer in (_TORCH, f"{_TORCH}, 1 thread")],
        )


def quality_works(settings: Settings) -> Iterator[Work]:
    """NCF's loss and HR@100 beside plain PyTorch's; HR for another seed in each run, as many as seeds."""
    at = [1] if settings.is_quick else [1, 2, 5, 10, 20]
    torch = partial(_peer, settings, _TORCH, "torch_neumf", None, optimizer="dense")
    yield Work(
        key="ncf-curve-ml-1m",
        title="NCF, half of the users of ml-1m: cross entropy over the same samples after so many epochs",
        unit="epochs",
        open=opening(
            settings,
            "ml-1m",
            half,
            {"at": at, "epochs": max(at), "threads": settings.n_threads, "seed": 0},
            [partial(_ours, settings, "ncf-curve"), torch],
        ),
        goals=[Goal(f"loss after {epochs}", _TORCH, least=0.98, most=1.02) for epochs in at],
        rounds=1,
    )
    contenders = [_over_seeds(partial(_ours, settings, "ncf")), _over_seeds(torch)]
    for dataset, epochs in (("ml-1m", 20), ("adm", 2)):  # twenty on adm would take PyTorch two hours
        options = {"epochs": int(settings.pick(epochs, 1)), "threads": settings.n_threads}
        yield Work(
            key=f"ncf-quality-{dataset}",
            title=f"NCF, half of the users of {dataset}, {options['epochs']} epochs, {_SEEDS} seeds",
            unit="samples",
            open=opening(settings, dataset, _half_held_out, options, contenders),
            goals=[Goal("HR@100", _TORCH, least=0.98)],
            rounds=_SEEDS,
        )


Make = Callable[[Path, Options], Contender]


def opening(
    settings: Settings,
    dataset: str,
    cut: Callable[[Inputs], Inputs],
    options: Options,
    makers: Sequence[Make],
) -> Callable[[], AbstractContextManager[Sequence[Contender]]]:
    """Let contenders be made around a dataset, cut, that is written to a file once.

    cut     what of the dataset is used; its name is part of the file's
    makers  are given the file and the options
    """

    @contextmanager
    def opened() -> Iterator[Sequence[Contender]]:
        path = settings.folder / f"{dataset}-{cut.__name__.strip('_')}.npz"
        if not path.exists():
            try:
                data, _ = registry.load(settings.source(dataset), data_dir=settings.data_dir)
            except NotFound as error:
                raise JobFailed(str(error)) from error
            empty = np.zeros(0, dtype=np.int64)
            cut(Inputs(data.histories, empty, empty)).save(path)
        yield [make(path, options) for make in makers]

    return opened


def _ours(settings: Settings, what: str, inputs: Path, options: Options) -> Contender:
    with_lists = _with_lists(inputs, options, _OURS)
    command = [sys.executable, "-m", "lab.bench.contender", what, json.dumps(with_lists), str(inputs)]
    return Contender(_OURS, partial(_run, settings, command), is_ours=True)


def _ours_otherwise(
    settings: Settings, inputs: Path, options: Options, *, name: str, what: str, **more: object
) -> Contender:
    """Give our side with other settings, to be compared like a peer."""
    return replace(_ours(settings, what, inputs, {**options, **more}), name=name, is_ours=False)


def _peer(  # noqa: PLR0917 - the first four are bound where the peer is named
    settings: Settings,
    name: str,
    script_name: str,
    venv: str | None,
    inputs: Path,
    options: Options,
    **more: object,
) -> Contender:
    with_lists = _with_lists(inputs, {**options, **more}, script_name)

    def run() -> Outcome:
        if not settings.venvs.is_allowed:
            raise JobFailed("peers are left out (--no-peers)")
        python = own_python() if venv is None else settings.venvs.python(venv)
        outcome = _run(settings, [python, script(script_name), str(inputs), json.dumps(with_lists)])
        return _with_agreement(outcome, inputs, script_name)

    return Contender(name, run)


def _run(settings: Settings, command: Sequence[str]) -> Outcome:
    return run_process(
        command, cores=settings.cores, n_threads=settings.n_threads, timeout_s=settings.timeout_s
    )


def _over_seeds(make: Make) -> Make:
    """Let each run have the next seed, and give HR@100 of all."""

    def made(inputs: Path, options: Options) -> Contender:
        seeds = iter(range(1_000_000))
        first = make(inputs, {**options, "seed": 0})
        return replace(first, run=lambda: make(inputs, {**options, "seed": next(seeds)}).run())

    return made


def _with_lists(inputs: Path, options: Options, who: str) -> Options:
    return {**options, "lists": str(_lists_file(inputs, who))} if "k" in options else options


def _lists_file(inputs: Path, who: str) -> Path:
    return inputs.with_name(f"{inputs.stem}-{who}-lists.npy")


def _with_agreement(outcome: Outcome, inputs: Path, who: str) -> Outcome:
    """Say how many places of a list, on average, a peer fills as we do, whatever the order."""
    ours, theirs = _lists_file(inputs, _OURS), _lists_file(inputs, who)
    if not (ours.exists() and theirs.exists()):
        return outcome
    pairs = zip(np.load(ours), np.load(theirs), strict=True)
    shared = [len(np.intersect1d(a, b[b >= 0])) / max(len(b[b >= 0]), 1) for a, b in pairs]
    return replace(outcome, figures={**outcome.figures, "share of our lists": float(np.mean(shared))})


def _whole(inputs: Inputs) -> Inputs:
    return inputs


def half(inputs: Inputs) -> Inputs:
    """Take half of the users, the same in each run."""
    rows = rng_for("bench", "half").permutation(inputs.histories.shape[0])[: inputs.histories.shape[0] // 2]
    return Inputs(inputs.histories[np.sort(rows)], inputs.users, inputs.items)


def _held_out(inputs: Inputs) -> Inputs:
    users, items = held_out(inputs.histories, seed=0)
    return Inputs(without(inputs.histories, users, items), users, items)


def _half_held_out(inputs: Inputs) -> Inputs:
    return _held_out(half(inputs))
