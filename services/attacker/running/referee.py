"""The referee: compares scores, stored and sealed before, with the truth from the target's oracle.

The truth stays here: it is not stored, not logged, and no attack code gets it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.attacker.asking.oracle_client import Truth, ask_oracle
from services.attacker.asking.pacing import Stops
from services.attacker.asking.replies import Access
from services.attacker.evidence import CoverageShares, Evidence, Scored
from services.attacker.judgement import judge
from services.attacker.key_variables import KeyVariables
from services.attacker.packing import unpack_evidence
from shared.arrays import Bools, Rows
from shared.artifacts import ArtifactStore
from shared.attacks import AttackPreset
from shared.contract.attacker import AttackSpec, Evaluation, Judgement
from shared.datasets.splits import DivisionSpec
from shared.errors import BadInput, StorageFailed
from shared.progress import Progress
from shared.randomness import rng_for


@dataclass(frozen=True)
class Case:
    """What is to be judged.

    scores, seal  name of the stored scores, and the hash that was stored with them
    """

    scores: str
    seal: str
    preset: AttackPreset
    split: DivisionSpec
    covered: CoverageShares
    seed: int


@dataclass(frozen=True)
class Labels:
    """The truth about some of the judged users.

    rows        (n,) int64: places of the users in the order of the scores, ascending
    is_member   (n,) bool
    unlabelled  judged users of whom the truth is not known
    """

    rows: Rows
    is_member: Bools
    unlabelled: int


def sealed_evidence(store: ArtifactStore, name: str, seal: str) -> Evidence:
    """Read the stored scores. Raises StorageFailed unless they are those that were sealed."""
    evidence = unpack_evidence(store.get(name))
    if evidence.seal() != seal:
        raise StorageFailed(
            f"the stored scores {name} are not those that were sealed; delete the attack and submit it again"
        )
    return evidence


def ask_truth(
    spec: AttackSpec,
    evaluation: Evaluation,
    user_ids: Sequence[str],
    *,
    pinned: str | None,
    keys: KeyVariables,
    stops: Stops,
) -> Truth:
    """Ask the oracle about the deployment that was attacked.

    pinned  the deployment that gave the lists, if the target said so. Where neither it nor the spec names
            one, the oracle answers about the active one, and says which that is.
    Raises as `ask_oracle`; BadInput if the variable of the key is not set.
    """
    query = spec.target.query
    access = Access(
        service="the oracle",
        url=str(evaluation.oracle_url or spec.target.url).rstrip("/"),
        key=keys.read(evaluation.key_env),
        key_env=evaluation.key_env,
        concurrency=1,
        timeout_s=query.timeout_s,
        retries=query.retries,
    )
    rng = rng_for(spec.seed, "oracle", "pauses")
    deployment = pinned or spec.target.deployment
    return ask_oracle(access, user_ids, deployment=deployment, rng=rng, stops=stops)


def label(user_ids: Sequence[str], truth: Truth) -> Labels:
    """Put the truth into the order of the scores.

    Raises BadInput if nobody is known or one of the two kinds is missing.
    """
    rows = [row for row, user_id in enumerate(user_ids) if user_id in truth.is_member]
    if not rows:
        raise BadInput(
            f"the oracle knows none of the judged users; judge users of the deployment {truth.deployment}"
        )
    is_member = np.array([truth.is_member[user_ids[row]] for row in rows], dtype=np.bool_)
    if is_member.all() or not is_member.any():
        kind = "members" if is_member.all() else "non-members"
        raise BadInput(f"all judged users are {kind}, and no figure can be made of that; judge others too")
    return Labels(np.array(rows, dtype=np.int64), is_member, len(user_ids) - len(rows))


def judge_sealed(store: ArtifactStore, case: Case, labels: Labels, *, progress: Progress) -> Judgement:
    """Make the figures, in a worker. Raises StorageFailed if the scores are not those that were sealed."""
    progress.step(0.0, "figures")
    evidence = sealed_evidence(store, case.scores, case.seal)
    judgement = judge(
        _of(evidence, labels.rows),
        labels.is_member,
        preset=case.preset,
        split=case.split,
        covered=case.covered,
        seed=case.seed,
    )
    return judgement.model_copy(update={"scores_hash": case.seal, "unlabelled": labels.unlabelled})


def _of(evidence: Evidence, rows: Rows) -> Evidence:
    return Evidence(
        attack=Scored(evidence.attack.scores[rows], evidence.attack.threshold),
        baselines={name: Scored(one.scores[rows], one.threshold) for name, one in evidence.baselines.items()},
        control=evidence.control,
        control_truth=evidence.control_truth,
    )
