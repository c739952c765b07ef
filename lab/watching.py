"""Trainings and attacks as steps on a display."""

from collections.abc import Iterable

from lab.display import Display
from shared.client import Clock, TargetClient
from shared.client.target import done
from shared.client.waiting import wait_for
from shared.contract.attacker import AttackEvent, Stage
from shared.contract.base import JobState
from shared.contract.target import Deployment

WHOLE = "attack"
_TRAINING = "target: training"
_TRAINING_S = 6 * 3600.0
_EVERY_S = 0.2


def watch_deployment(target: TargetClient, deployment_id: str, display: Display) -> Deployment:
    """Show a training until it is done. Raises JobFailed if it ends without."""

    def look() -> Deployment | None:
        now = target.deployment(deployment_id)
        display.show(_TRAINING, now.progress.fraction, now.progress.note)
        return done(now)

    trained = wait_for(
        look, what="the end of the training", timeout_s=_TRAINING_S, every_s=_EVERY_S, clock=Clock()
    )
    display.finish(_TRAINING, f"{trained.spec.algorithm} on {trained.spec.dataset}")
    return trained


def show_events(events: Iterable[AttackEvent], display: Display) -> AttackEvent | None:
    """Show the events until they end, one step per stage under one for the whole; give the last one."""
    stage: Stage | None = None
    last: AttackEvent | None = None
    for event in events:
        last = event
        display.show(WHOLE, event.progress.fraction, "")
        if stage is not None and event.stage is not stage and not _has_failed(event):
            display.finish(_step(stage), "")
        stage = event.stage
        if stage is not None and not event.state.is_final:
            display.show(_step(stage), None, event.progress.note)
    if last is not None and last.state is JobState.DONE:
        display.finish(WHOLE, "")
    return last


def _step(stage: Stage) -> str:
    return f"  {stage}"


def _has_failed(event: AttackEvent) -> bool:
    return event.state.is_final and event.state is not JobState.DONE
