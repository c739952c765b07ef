"""What cells are made of: data, item vectors, trained recommenders; each is made once and stored by content.

Every function runs in a worker. A name depends on all that the value depends on, the code included.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.attacker.attack.item_vectors import learn_item_vectors
from services.attacker.experiments.cells import Cell, Part
from services.attacker.packing import pack_interactions, unpack_interactions
from services.attacker.worlds import ItemKnowledge, pack_histories
from shared.artifacts import ArtifactStore, Plain, artifact_name
from shared.attacks import Factorization
from shared.datasets.registry import load
from shared.datasets.splits import DivisionSpec, divide, draw_members
from shared.interactions import Interactions
from shared.progress import Progress
from shared.randomness import rng_for, seed_for
from shared.recommenders.base import Algorithm
from shared.recommenders.quality import HitRate, HoldOut, hit_rate
from shared.recommenders.registry import KINDS, parse_hyperparameters

K_MAX = 100
"""Lists are made this long and cut: the first k of the best hundred are the best k."""


@dataclass(frozen=True)
class DataPlan:
    """A dataset as it lies on disk."""

    dataset: str
    data_dir: Path | None


@dataclass(frozen=True)
class VectorPlan:
    """All that item vectors depend on; `data` names the stored interactions."""

    data: str
    split: DivisionSpec
    length: int
    factorization: Factorization
    seed: int

    @property
    def name(self) -> str:
        """The artefact's name."""
        return _name("item-vectors", self)


@dataclass(frozen=True)
class RecommenderPlan:
    """All that a recommender of a simulated world depends on."""

    data: str
    split: DivisionSpec
    part: Part
    algorithm: Algorithm
    hyperparameters: tuple[tuple[str, int | float | str | None], ...]
    n_users: int | None
    is_rehearsal: bool
    seed: int

    @property
    def name(self) -> str:
        """The artefact's name."""
        return _name("recommender", self)

    @property
    def drawn_from(self) -> str:
        """What its coin and its training are called."""
        return "rehearsal" if self.is_rehearsal else self.part


def recommender_plan(cell: Cell, part: Part, data: str) -> RecommenderPlan:
    """Say which recommender stands on one side of a cell; the paper's hyperparameters, written out."""
    side = cell.shadow if part is Part.SHADOW else cell.target
    is_rehearsal = cell.is_rehearsal and part is Part.TARGET
    settings = parse_hyperparameters(side.algorithm, dict(side.hyperparameters))
    return RecommenderPlan(
        data=data,
        split=cell.split,
        part=Part.SHADOW if is_rehearsal else part,
        algorithm=side.algorithm,
        hyperparameters=tuple(sorted(asdict(settings).items())),
        n_users=cell.n_shadow_users if is_rehearsal or part is Part.SHADOW else None,
        is_rehearsal=is_rehearsal,
        seed=cell.seed,
    )


@cache
def code_hash() -> str:
    """Hash the source of everything that figures depend on: another program, another artefact."""
    root = Path(__file__).parents[3]
    attacker = root / "services" / "attacker"
    folders = [
        root / "shared",
        *(root / "shared" / name for name in ("datasets", "defenses", "recommenders")),
    ]
    sources = [path for folder in [*folders, attacker / "attack"] for path in folder.glob("*.py")]
    sources += [attacker / f"{name}.py" for name in ("evidence", "judgement", "packing", "worlds")]
    sources += [attacker / "experiments" / f"{name}.py" for name in ("cells", "cell_run", "materials")]
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(path.name.encode() + b"\x00" + path.read_bytes())
    return digest.hexdigest()[:16]


def store_data(store: ArtifactStore, plan: DataPlan, *, progress: Progress) -> str:
    """Read a dataset and store its interactions; the name is their content's."""
    interactions, _ = load(plan.dataset, data_dir=plan.data_dir, progress=progress)
    name = artifact_name("interactions", content=interactions.content_hash)
    store.put(name, pack_interactions(interactions), {"dataset": plan.dataset})
    return name


def make_vectors(store: ArtifactStore, name: str, plan: VectorPlan, *, progress: Progress) -> None:
    """Learn item vectors from the item-feature part."""
    started = time.perf_counter()
    part = divide(_interactions(store, plan.data), plan.split).item_features
    found = learn_item_vectors(
        part.histories,
        length=plan.length,
        factorization=plan.factorization,
        seed=seed_for(plan.seed, "item vectors"),
        progress=progress,
    )
    items = ItemKnowledge(part.item_ids, found.vectors, found.is_covered, part.item_counts)
    store.put(name, items.to_arrays(), {"seconds": time.perf_counter() - started})


def make_recommender(store: ArtifactStore, name: str, plan: RecommenderPlan, *, progress: Progress) -> None:
    """Train on half of a part's users and keep the members' lists and the popular ranking."""
    started = time.perf_counter()
    histories, is_member = _population(store, plan)
    model = KINDS[plan.algorithm].train(
        histories[np.flatnonzero(is_member)],
        parse_hyperparameters(plan.algorithm, dict(plan.hyperparameters)),
        seed=seed_for(plan.seed, plan.drawn_from, "training"),
        progress=progress.part(0.0, 0.9),
    )
    lists = model.recommend(np.arange(model.histories.shape[0]), k=K_MAX)
    counts = np.bincount(model.histories.indices, minlength=histories.shape[1])
    arrays: dict[str, NDArray[Any]] = pack_histories(histories) | {
        "is_member": is_member,
        "items": lists.items,
        "lengths": lists.lengths,
        "popular": np.argsort(-counts, kind="stable").astype(np.int64),
    }
    store.put(name, arrays, {"seconds": time.perf_counter() - started})


@dataclass(frozen=True)
class QualityPlan:
    """All that a recommender's hit rate depends on."""

    recommender: RecommenderPlan
    k: int

    @property
    def name(self) -> str:
        """The artefact's name."""
        return _name("hit-rate", self)


def measure_quality(store: ArtifactStore, name: str, plan: QualityPlan, *, progress: Progress) -> None:
    """Measure HR@k by two protocols, for the algorithm and for popularity on the same held-out items."""
    started = time.perf_counter()
    histories, is_member = _population(store, plan.recommender)
    members = histories[np.flatnonzero(is_member)]
    found: dict[str, Plain] = {}
    for number, algorithm in enumerate((plan.recommender.algorithm, Algorithm.POPULARITY)):
        given = dict(plan.recommender.hyperparameters) if number == 0 else {}
        settings = parse_hyperparameters(algorithm, given)
        seed = seed_for(plan.recommender.seed, plan.recommender.part, "quality")
        who = "model" if number == 0 else "popularity"
        for place, hold_out in enumerate(HoldOut):
            rate = hit_rate(
                members,
                algorithm=algorithm,
                settings=settings,
                k=plan.k,
                seed=seed,
                hold_out=hold_out,
                progress=progress.part(number / 2 + place / 4, number / 2 + place / 4 + 0.25),
            )
            found |= _hit_rate(f"{who}_{hold_out}_out", rate)
    store.put(name, {}, found | {"seconds": time.perf_counter() - started})


def _hit_rate(name: str, rate: HitRate) -> dict[str, Plain]:
    return {name: rate.value, f"{name}_low": rate.low, f"{name}_high": rate.high, "n_users": rate.n_users}


def _population(store: ArtifactStore, plan: RecommenderPlan) -> tuple[Any, NDArray[np.bool_]]:
    """Give the histories of a side's users and who of them is a member."""
    parts = divide(_interactions(store, plan.data), plan.split)
    part = parts.shadow if plan.part is Part.SHADOW else parts.target
    if plan.n_users is not None and plan.n_users < part.n_users:
        drawn = rng_for(plan.seed, plan.part, "users").permutation(part.n_users)[: plan.n_users]
        part = part.take_users(np.sort(drawn))
    everyone, kept = draw_members(part.n_users, rng=rng_for(plan.seed, plan.part, "membership"))
    is_member = everyone[kept]
    if plan.is_rehearsal:  # the same users, another coin
        is_member = rng_for(plan.seed, plan.drawn_from, "membership").permutation(is_member)
    return part.histories[kept], is_member


def _interactions(store: ArtifactStore, name: str) -> Interactions:
    return unpack_interactions(store.get(name).arrays)


def _name(kind: str, plan: VectorPlan | RecommenderPlan | QualityPlan) -> str:
    return artifact_name(kind, plan=_plain(asdict(plan)), code=code_hash())


def _plain(value: Mapping[str, Any]) -> dict[str, Plain]:
    return {key: _plain(one) if isinstance(one, Mapping) else _plain_one(one) for key, one in value.items()}


def _plain_one(value: Any) -> Plain:  # noqa: ANN401 - what dataclasses hold
    return [_plain_one(one) for one in value] if isinstance(value, tuple) else value
