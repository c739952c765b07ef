"""What workers do for an attack: read artefacts, compute, store one artefact; never the database or a key.

Big arrays travel as names in the artefact store. Every function is called by an engine and takes `progress`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from services.attacker.answers import Answers
from services.attacker.attack.classifier import AttackModel
from services.attacker.evidence import (
    AttackPlan,
    CoverageShares,
    JudgedUsers,
    coverage,
    features,
    gather,
    score,
    train,
)
from services.attacker.packing import pack_evidence, pack_interactions, unpack_interactions
from services.attacker.worlds import (
    ItemKnowledge,
    PublicData,
    Shadow,
    ShadowPlan,
    build_shadow,
    drawn_users,
    learn_items,
)
from shared.artifacts import ArtifactStore
from shared.attacks import Factorization
from shared.datasets.splits import Parts
from shared.interactions import Interactions
from shared.progress import Progress


@dataclass(frozen=True)
class VectorSettings:
    """All that item vectors depend on, besides the data."""

    length: int
    factorization: Factorization
    seed: int


@dataclass(frozen=True)
class Worlds:
    """The public data of an attack.

    judged  whose target part is judged; None if the users come from elsewhere
    limit   judge only so many of them, drawn by `seed`
    items   whose item-feature part describes the target's items
    """

    judged: PublicData | None
    limit: int | None
    seed: int
    shadow: PublicData
    items: PublicData


@dataclass(frozen=True)
class Inputs:
    """Names of the artefacts that an attack is computed from."""

    judged: str
    answers: str
    items: str
    shadow: str
    shadow_items: str


@dataclass(frozen=True)
class Learned:
    """Names of what an attack has learned: the features of both worlds, and the model."""

    features: str
    model: str


def read_worlds(store: ArtifactStore, name: str, worlds: Worlds, *, progress: Progress) -> dict[str, str]:
    """Read all datasets once: store the users to judge, if a dataset gives them, and hash each part used.

    returns  what the part is used for -> content hash
    """
    each = [data for data in (worlds.items, worlds.shadow, worlds.judged) if data is not None]
    parts: dict[PublicData, Parts] = {}
    for data in each:
        if data not in parts:
            n_done = len(parts)
            parts[data] = data.parts(progress.part(n_done / len(each), (n_done + 1) / len(each)))
    hashes = {
        "item features": parts[worlds.items].item_features.content_hash,
        "shadow": parts[worlds.shadow].shadow.content_hash,
        "shadow item features": parts[worlds.shadow].item_features.content_hash,
    }
    if worlds.judged is not None:
        judged = drawn_users(parts[worlds.judged].target, limit=worlds.limit, seed=worlds.seed)
        hashes["judged users"] = keep_judged(store, name, judged)
    progress.step(1.0, "the datasets are read")
    return hashes


def keep_judged(store: ArtifactStore, name: str, judged: Interactions) -> str:
    """Store the users to judge and their histories, and give their content hash."""
    store.put(name, pack_interactions(judged), {"n_users": judged.n_users})
    return judged.content_hash


def join_answers(store: ArtifactStore, name: str, chunks: Sequence[str], *, progress: Progress) -> None:
    """Put the chunks of answers, in this order, into one artefact."""
    progress.step(0.0, "putting the lists together")
    answers = Answers.concatenate([_answers(store, chunk) for chunk in chunks])
    store.put(name, answers.to_arrays(), {"chunks": len(chunks)})


def learn(
    store: ArtifactStore, name: str, data: PublicData, settings: VectorSettings, *, progress: Progress
) -> None:
    """Learn item vectors."""
    found = learn_items(
        data,
        length=settings.length,
        factorization=settings.factorization,
        seed=settings.seed,
        progress=progress,
    )
    store.put(name, found.to_arrays(), {})


def build(store: ArtifactStore, name: str, plan: ShadowPlan, *, progress: Progress) -> None:
    """Train the shadow and let it answer its users."""
    store.put(name, build_shadow(plan, progress=progress).to_arrays(), {})


def describe(
    store: ArtifactStore, name: str, inputs: Inputs, plan: AttackPlan, *, progress: Progress
) -> None:
    """Turn the users of both worlds into features."""
    progress.step(0.0, "features of the shadow's users")
    of_shadow = features(_shadow(store, inputs).users, _items(store, inputs.shadow_items), plan)
    progress.step(0.5, "features of the judged users")
    judged = _judged(store, inputs)
    arrays = {"shadow": of_shadow, "judged": features(judged.users, judged.items, plan)}
    store.put(name, arrays, {"coverage": asdict(coverage(judged))})


def fit(
    store: ArtifactStore, learned: Learned, inputs: Inputs, plan: AttackPlan, *, progress: Progress
) -> None:
    """Train the attack model on the shadow's users."""
    of_shadow = np.asarray(store.get(learned.features).arrays["shadow"])
    model = train(of_shadow, _shadow(store, inputs), plan, progress=progress)
    store.put(learned.model, model.to_arrays(), {})


def score_all(
    store: ArtifactStore,
    name: str,
    learned: Learned,
    inputs: Inputs,
    plan: AttackPlan,
    *,
    progress: Progress,
) -> str:
    """Score the judged users by the attack, every baseline and the positive control; give the seal."""
    progress.step(0.0, "scoring")
    evidence = score(
        AttackModel.from_arrays(store.get(learned.model).arrays),
        np.asarray(store.get(learned.features).arrays["judged"]),
        judged=_judged(store, inputs),
        shadow=_shadow(store, inputs),
        shadow_items=_items(store, inputs.shadow_items),
        plan=plan,
        progress=progress,
    )
    arrays, meta = pack_evidence(evidence)
    store.put(name, arrays, meta)
    return evidence.seal()


def coverage_of(store: ArtifactStore, features_name: str) -> CoverageShares:
    """Give the coverage that `describe` has measured."""
    stored = store.get(features_name).meta["coverage"]
    assert isinstance(stored, Mapping)  # written above
    return CoverageShares(**stored)  # type: ignore[arg-type]  # plain JSON of the same fields


def _judged(store: ArtifactStore, inputs: Inputs) -> JudgedUsers:
    judged = unpack_interactions(store.get(inputs.judged).arrays)
    return gather(judged, _answers(store, inputs.answers), _items(store, inputs.items))


def _answers(store: ArtifactStore, name: str) -> Answers:
    return Answers.from_arrays(store.get(name).arrays)


def _items(store: ArtifactStore, name: str) -> ItemKnowledge:
    return ItemKnowledge.from_arrays(store.get(name).arrays)


def _shadow(store: ArtifactStore, inputs: Inputs) -> Shadow:
    return Shadow.from_arrays(store.get(inputs.shadow).arrays)
