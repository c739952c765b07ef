"""What the demo prints and writes."""

import os
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from lab.demo import DemoResult
from lab.reading import controls_reading, reading
from lab.tables import hit_rate_pair, judgement_table, pairs_table, unlabelled_note, unresolved_note
from shared import __version__
from shared.contract.attacker import Judgement
from shared.errors import BadInput, JobFailed

READ_MORE = (
    "Read more: docs/architecture.md (how it works); /docs and /v1/catalogue of the attacker (each attack "
    "and baseline, and what it must know)."
)


def judged(result: DemoResult) -> Judgement:
    """Give the figures. Raises JobFailed if the attack has none."""
    if result.attack.judgement is None:
        raise JobFailed(f"the attack {result.attack.id} ended without figures")
    return result.attack.judgement


def print_report(result: DemoResult, console: Console) -> None:
    """Print the target, the table and what it means."""
    judgement = judged(result)
    console.print()
    console.print(pairs_table(_target_pairs(result)))
    console.print(judgement_table(judgement))
    for note in filter(None, (unresolved_note(judgement), unlabelled_note(judgement))):
        console.print(Text(note, style="dim"))
    for paragraph in (reading(judgement), controls_reading(judgement.controls), READ_MORE):
        console.print()
        console.print(Text(paragraph))


def as_json(result: DemoResult, *, seed: int, seconds: float) -> dict[str, Any]:
    """Give all that is needed to understand the figures and to get them again."""
    judgement, attack, deployment = judged(result), result.attack, result.deployment
    written = judgement.model_dump(mode="json")
    training = (deployment.finished_at or deployment.created_at) - deployment.created_at
    hits = deployment.hr_at_k
    return {
        "spec": {
            "deployment": deployment.spec.model_dump(mode="json"),
            "attack": attack.spec.model_dump(mode="json"),
        },
        "users": {
            "members": judgement.figures.members,
            "non_members": judgement.figures.non_members,
            "unlabelled": judgement.unlabelled,
        },
        "target": {
            "dataset": deployment.spec.dataset,
            "algorithm": deployment.spec.algorithm,
            "hr_at_k": None if hits is None else hits.model_dump(mode="json"),
            "size": None if deployment.size is None else deployment.size.model_dump(mode="json"),
        },
        "attack": judgement.attack,
        "split": judgement.split,
        **{key: written[key] for key in ("figures", "baselines", "controls", "coverage", "scores_hash")},
        "queries": attack.queries.model_dump(mode="json"),
        "timings": {**attack.timings, "target training": training.total_seconds(), "whole demo": seconds},
        "versions": {**attack.versions, "recleak": __version__},
        "data_hashes": dict(attack.data_hashes),
        "seed": seed,
    }


def check_writable(path: Path) -> None:
    """Raise BadInput if a file cannot be written, before anybody has waited for it."""
    if path.is_dir():
        raise BadInput(f"{path} is a folder; name a file")
    if not path.absolute().parent.is_dir():
        raise BadInput(f"{path} cannot be written: its folder does not exist")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise BadInput(f"{path} cannot be written; make it writable or name another file")


def _target_pairs(result: DemoResult) -> list[tuple[str, str]]:
    deployment, figures = result.deployment, judged(result).figures
    account = result.attack.queries
    return [
        ("target", f"{deployment.spec.algorithm} on {deployment.spec.dataset}"),
        ("users", f"{figures.members:,} members, {figures.non_members:,} non-members judged"),
        hit_rate_pair(deployment),
        ("shadow", f"{result.attack.spec.shadow.algorithm} on {result.attack.spec.shadow.dataset}"),
        ("asked", f"{account.lists:,} lists of {result.attack.spec.k} in {account.seconds:.1f} s"),
    ]
