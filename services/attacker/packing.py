"""How the attacker's results lie in the artefact store."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.attacker.evidence import Evidence, Scored
from services.attacker.worlds import Arrays, pack_histories, unpack_histories
from shared.artifacts import Artifact, Plain
from shared.interactions import Ids, Interactions, binary_matrix


def pack_interactions(interactions: Interactions) -> dict[str, NDArray[Any]]:
    """Pack users, items and histories."""
    return pack_histories(interactions.histories) | {
        "user_ids": interactions.user_ids.to_array(),
        "item_ids": interactions.item_ids.to_array(),
    }


def unpack_interactions(arrays: Arrays) -> Interactions:
    """Unpack what `pack_interactions` packed."""
    return Interactions(
        unpack_histories(arrays), Ids.from_array(arrays["user_ids"]), Ids.from_array(arrays["item_ids"])
    )


def interactions_of(histories: Mapping[str, Sequence[str]]) -> Interactions:
    """Build from user id -> item ids: users in this order, an empty history stays one, repeats count once."""
    item_ids = Ids(tuple(dict.fromkeys(name for names in histories.values() for name in names)))
    users = np.repeat(np.arange(len(histories)), [len(names) for names in histories.values()])
    items, _ = item_ids.rows_of(name for names in histories.values() for name in names)
    matrix = binary_matrix(users, items, (len(histories), len(item_ids)))
    return Interactions(matrix, Ids(tuple(histories)), item_ids)


def pack_evidence(evidence: Evidence) -> tuple[dict[str, NDArray[Any]], dict[str, Plain]]:
    """Pack all scores; names and thresholds go into the meta."""
    names = list(evidence.baselines)
    arrays: dict[str, NDArray[Any]] = {
        "attack": evidence.attack.scores,
        "control": evidence.control.scores,
        "control_truth": evidence.control_truth,
    }
    arrays |= {f"baseline-{number}": evidence.baselines[name].scores for number, name in enumerate(names)}
    return arrays, {
        "baselines": names,
        "baseline_thresholds": [evidence.baselines[name].threshold for name in names],
        "attack_threshold": evidence.attack.threshold,
        "control_threshold": evidence.control.threshold,
    }


def unpack_evidence(artifact: Artifact) -> Evidence:
    """Unpack what `pack_evidence` packed."""
    arrays, meta = artifact.arrays, artifact.meta
    names, thresholds = meta["baselines"], meta["baseline_thresholds"]
    assert isinstance(names, list) and isinstance(thresholds, list)  # written above
    return Evidence(
        attack=_scored(arrays["attack"], meta["attack_threshold"]),
        baselines={
            name: _scored(arrays[f"baseline-{number}"], threshold)
            for number, (name, threshold) in enumerate(zip(names, thresholds, strict=True))
        },
        control=_scored(arrays["control"], meta["control_threshold"]),
        control_truth=np.asarray(arrays["control_truth"]),
    )


def _scored(scores: NDArray[np.float64], threshold: Plain) -> Scored:
    assert threshold is None or isinstance(threshold, float | int)  # written above
    return Scored(np.asarray(scores), threshold)
