"""The demo: two services, one deployment, one attack over HTTP, one table."""

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.demo_plan import DemoOptions, attack_spec, deployment_spec
from lab.display import Display
from lab.processes import Services
from lab.signals import ChildEnded, Interrupted
from lab.watching import show_events, watch_deployment
from shared.client import AttackerClient, TargetClient
from shared.client.attacker import finished
from shared.client.waiting import Clock, wait_for
from shared.contract.attacker import Attack
from shared.contract.target import Deployment, QualityState
from shared.errors import Conflict, JobFailed, RecLeakError, Unauthorized
from shared.parallel import THREADS

_START_S = 120.0  # the first start compiles
_QUALITY_S = 3600.0
_EVERY_S = 0.2


@dataclass(frozen=True)
class Keys:
    """The keys of the target."""

    admin: str
    oracle: str


@dataclass(frozen=True)
class Running:
    """Both services, answering; `keys` is None where others started them."""

    target: TargetClient
    attacker: AttackerClient
    keys: Keys | None


@dataclass(frozen=True)
class DemoResult:
    """What came out."""

    deployment: Deployment
    attack: Attack


@contextmanager
def started(services: Services, options: DemoOptions, display: Display) -> Iterator[Running]:
    """Start both services on free ports of this machine, with keys of their own."""
    display.show("services", None, "starting")
    keys = Keys(secrets.token_hex(16), secrets.token_hex(16))
    own = {"RECLEAK_TARGET_ADMIN_KEY": keys.admin, "RECLEAK_TARGET_ORACLE_KEY": keys.oracle}
    target = services.start("target", _command("target", services.folder), _environment(options, own))
    theirs = {"RECLEAK_ORACLE_KEY": keys.oracle}
    attacker = services.start(
        "attacker", _command("attacker", services.folder), _environment(options, theirs)
    )
    urls = [f"http://127.0.0.1:{services.port_of(one, timeout_s=_START_S)}" for one in (target, attacker)]
    with TargetClient(urls[0], admin_key=keys.admin) as t, AttackerClient(urls[1]) as a:
        display.finish("services", f"target {t.url}, attacker {a.url}")
        yield Running(t, a, keys)


@contextmanager
def found(target_url: str, attacker_url: str, display: Display, *, timeout_s: float) -> Iterator[Running]:
    """Wait for services that run already; the admin key comes from RECLEAK_TARGET_ADMIN_KEY."""
    if not (admin_key := os.environ.get("RECLEAK_TARGET_ADMIN_KEY")):
        raise Unauthorized("the demo deploys in the target; set RECLEAK_TARGET_ADMIN_KEY to its admin key")
    api_key = os.environ.get("RECLEAK_ATTACKER_API_KEY")
    display.show("services", None, f"waiting for {target_url} and {attacker_url}")
    with (
        TargetClient(target_url, admin_key=admin_key) as t,
        AttackerClient(attacker_url, api_key=api_key) as a,
    ):
        t.wait_live(timeout_s)
        a.wait_ready(timeout_s)
        display.finish("services", "ready")
        yield Running(t, a, None)


def run(running: Running, options: DemoOptions, display: Display, *, may_reuse: bool) -> DemoResult:
    """Deploy, attack, wait for all figures.

    may_reuse  take the active deployment, whatever it is, if there is one
    Raises JobFailed if the training or the attack ends without a result.
    Interrupted, it cancels what it began in services that others started, and says so in the notes.
    """
    deployment = _deployed(running, options, display, may_reuse=may_reuse)
    spec = attack_spec(options, deployment.spec, target_url=running.target.url, deployment=deployment.id)
    attack = running.attacker.submit(spec)
    with _cancelling(running, f"the attack {attack.id}", lambda: running.attacker.cancel(attack.id)):
        show_events(running.attacker.events(attack.id), display)
        attack = finished(running.attacker.attack(attack.id))
    return DemoResult(_measured(running.target, deployment.id, display), attack)


@contextmanager
def _cancelling(running: Running, what: str, cancel: Callable[[], object]) -> Iterator[None]:
    """Let nothing go on for a user who has gone; services of our own end anyway."""
    try:
        yield
    except Interrupted as stop:
        if running.keys is not None:
            raise
        try:
            cancel()
        except Conflict:
            stop.add_note(f"{what} had ended")
        except RecLeakError as error:
            stop.add_note(f"{what} goes on, it could not be cancelled ({error})")
        else:
            stop.add_note(f"{what} was cancelled")
        raise


@contextmanager
def explained(services: Services) -> Iterator[None]:
    """Say more where the logs know more, because they are deleted with the services.

    Raises ServiceDied, with the log, if a service has ended, whatever error that caused elsewhere; JobFailed
    with the end of both logs if a job failed.
    """
    try:
        yield
    except (ChildEnded, RecLeakError) as error:
        services.check()
        if type(error) is JobFailed:
            raise JobFailed(f"{error}{services.logs_end()}") from error
        raise


def _deployed(running: Running, options: DemoOptions, display: Display, *, may_reuse: bool) -> Deployment:
    target = running.target
    found = _reusable(target) if may_reuse else None
    if found is not None:
        return watch_deployment(target, found.id, display)
    made = target.deploy(deployment_spec(options))
    with _cancelling(running, f"the training {made.id}", lambda: target.cancel(made.id)):
        return watch_deployment(target, made.id, display)


def _reusable(target: TargetClient) -> Deployment | None:
    """Give the active deployment, else one that will be, else None."""
    all_of_them = target.deployments()
    coming = (one for one in all_of_them if one.spec.activate and not one.state.is_final)
    return next((one for one in all_of_them if one.is_active), None) or next(coming, None)


def _measured(target: TargetClient, deployment_id: str, display: Display) -> Deployment:
    """Wait for HR@k, unless the target says that there will be none."""
    step = "target: quality"

    def look() -> Deployment | None:
        now = target.deployment(deployment_id)
        display.show(step, None, now.progress.note)
        return None if now.quality is QualityState.PENDING else now

    measured = wait_for(
        look, what="the measuring of HR@k", timeout_s=_QUALITY_S, every_s=_EVERY_S, clock=Clock()
    )
    display.finish(step, "" if measured.hr_at_k else measured.progress.note)
    return measured


def _command(service: str, folder: Path) -> list[str]:
    place = ["--host", "127.0.0.1", "--port", "0", "--data", str(folder / service)]
    return [sys.executable, "-P", "-m", "lab", "serve", service, *place, "--port-file", "{port_file}"]


def _environment(options: DemoOptions, extra: dict[str, str]) -> dict[str, str]:
    """What the services see: of ours nothing from outside but threads, which change no figure."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == THREADS or not name.startswith("RECLEAK_")
    }
    paths = [str(Path(__file__).parents[1]), kept.get("PYTHONPATH", "")]
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    if options.data_dir is not None:
        kept["RECLEAK_DATA_DIR"] = str(options.data_dir)
    return {**kept, **extra}
