"""Hand-made results, and how to run the command."""

from typing import Any

from typer.testing import CliRunner, Result

from lab.cli import app
from lab.demo import DemoResult
from shared.attacks import AttackPreset
from shared.contract.attacker import (
    Attack,
    Controls,
    Coverage,
    Curve,
    Figures,
    Judgement,
    ShuffledLabels,
    TprAtFpr,
)
from shared.contract.target import Deployment

MOMENT = "2026-01-02T03:04:05.000Z"


def run(*args: str, **environment: str | None) -> Result:
    """Run the command line in this process."""
    return CliRunner(env=environment).invoke(app, list(args))


def figures(auc: float, *, width: float = 0.02, accuracy: float | None = 0.9, tpr: float = 0.8) -> Figures:
    points = [(0.1, True), (0.01, True), (0.001, False)]
    return Figures(
        auc=auc,
        auc_interval=(max(0.0, auc - width), min(1.0, auc + width)),
        balanced_accuracy=accuracy,
        tpr_at_fpr=tuple(
            TprAtFpr(fpr=fpr, tpr=tpr, interval=(tpr - 0.1, tpr + 0.1), is_resolved=is_resolved)
            for fpr, is_resolved in points
        ),
        smallest_fpr=1 / 473,
        members=473,
        non_members=473,
    )


def judgement(
    attack: Figures | None = None,
    *,
    baselines: dict[str, Figures] | None = None,
    shuffled: tuple[float, float] = (0.46, 0.54),
    built_to_leak: float = 0.999,
) -> Judgement:
    by_default = {
        "random guess": figures(0.51, accuracy=None),
        "identical lists": figures(0.5, accuracy=None),
        "popular overlap": figures(0.7, accuracy=None),
        "history only": figures(0.5, accuracy=None),
    }
    return Judgement(
        attack=AttackPreset.DIFFERENCE,
        split="by-interaction",
        figures=attack or figures(0.95),
        baselines={**by_default, **(baselines or {})},
        controls=Controls(
            shuffled_labels=ShuffledLabels(mean_auc=0.5, interval=shuffled, n_shuffles=1000, p_value=0.001),
            built_to_leak=figures(built_to_leak, width=0.001),
        ),
        coverage=Coverage(catalogue=0.9, histories=0.95, lists=0.97, unknown_items=0),
        curve=Curve(fpr=(0, 1), tpr=(0, 1)),
        scores_hash="abc",
    )


def deployment(**changes: Any) -> Deployment:
    return Deployment.model_validate(
        {
            "id": "d1",
            "state": "done",
            "progress": {"fraction": 1.0, "note": "ready"},
            "is_active": True,
            "spec": {"dataset": "lastfm-2k", "algorithm": "lfm"},
            "size": {
                "users": 946,
                "members": 473,
                "non_members": 473,
                "left_out": 0,
                "items": 17632,
                "interactions": 9000,
            },
            "quality": "measured",
            "hr_at_k": {
                "k": 100,
                "members": 0.31,
                "members_interval": [0.27, 0.35],
                "popularity": 0.21,
                "n_users": 473,
            },
            "error": None,
            "created_at": "2026-01-02T03:04:00Z",
            "finished_at": "2026-01-02T03:04:10Z",
            **changes,
        }
    )


def attack(judged: Judgement | None, **changes: Any) -> Attack:
    return Attack.model_validate(
        {
            "id": "a1",
            "state": "done",
            "stage": None,
            "progress": {"fraction": 1.0, "note": "done"},
            "spec": {"target": {"url": "http://127.0.0.1:8001"}, "shadow": {"dataset": "ml-1m"}},
            "queries": {"lists": 946, "requests": 2, "repeats": 0, "seconds": 0.4},
            "judgement": None if judged is None else judged.model_dump(),
            "timings": {"query": 0.4, "shadow": 3.0},
            "versions": {"numba": "0.61"},
            "data_hashes": {"lastfm-2k": "0123"},
            "error": None,
            "created_at": MOMENT,
            "finished_at": MOMENT,
            **changes,
        }
    )


def result(judged: Judgement | None = None) -> DemoResult:
    return DemoResult(deployment(), attack(judged or judgement()))
