"""The one way in which each step of an attack is done, so that a run can end anywhere and another goes on."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from services.attacker import store
from services.attacker.asking.journal import Journal
from services.attacker.asking.pacing import Stops
from services.attacker.asking.target_client import TargetClient
from services.attacker.key_variables import KeyVariables
from services.attacker.running.making import Making
from services.attacker.running.recorder import Recorder, Step
from shared import __version__
from shared.artifacts import ArtifactStore, Plain, artifact_name
from shared.contract.attacker import TargetAddress
from shared.database import Database
from shared.engine import Engine
from shared.interactions import Ids

T = TypeVar("T")

_LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class Resources:
    """What all attacks share.

    sharing  held while somebody says that an artefact is in use, and while unused ones are deleted
    making   held, by the name of an artefact, while it is made
    """

    database: Database
    artifacts: ArtifactStore
    engine: Engine
    keys: KeyVariables
    data_dir: Path
    sharing: threading.Lock = field(default_factory=threading.Lock)
    making: Making = field(default_factory=Making)


class Steps:
    """The steps of one attack, done on one thread.

    Each says in the database what it will make, makes it unless it is there, and says that it is.
    """

    def __init__(self, attack_id: str, resources: Resources, recorder: Recorder, stops: Stops) -> None:
        self.attack_id = attack_id
        self.resources = resources
        self.artifacts = resources.artifacts
        self.recorder = recorder
        self.stops = stops

    @property
    def judged(self) -> str:
        """Name of the users to judge."""
        return artifact_name("judged-users", attack=self.attack_id)

    @property
    def answers(self) -> str:
        """Name of all their lists."""
        return artifact_name("answers", attack=self.attack_id)

    def name(self, kind: str, **depends: Plain) -> str:
        """Name a result by all that it depends on, this version included."""
        return artifact_name(kind, version=__version__, **depends)

    def is_done(self, step: Step, artifact: str) -> bool:
        """Say whether a step's result is stored."""
        with self.resources.database.read() as session:
            row = store.steps(session, self.attack_id).get(step)
        return row is not None and row.seconds is not None and self.artifacts.has(artifact)

    def begin(self, step: Step, artifact: str | None) -> float:
        """Begin a step, and give the time. Raises JobStopped if asked to stop."""
        self.stops.check()
        with self.resources.sharing:
            self.recorder.begin(step, artifact)
        return time.monotonic()

    def work(self, function: Callable[..., T], *args: object) -> T:
        """Run a function of `stages` in a worker, with the artefact store first, and wait for its end."""
        task = self.resources.engine.submit(
            function, self.artifacts, *args, on_progress=self.recorder.progress
        )
        while True:
            if self.stops.soon() or self.stops.now():
                task.stop()
            try:
                return task.result(_LOOK_EVERY_S)
            except TimeoutError:
                continue

    def make(self, step: Step, artifact: str, function: Callable[..., None], *args: object) -> None:
        """Make an artefact in a worker, unless this or another attack has stored it or does so now.

        Who waits for another attack makes it after all if that one ends without.
        """
        if self.is_done(step, artifact):
            return
        started = self.begin(step, artifact)
        with self.resources.making.turn(artifact, every_s=_LOOK_EVERY_S, waiting=self._wait_for_another):
            if not self.artifacts.has(artifact):
                self.work(function, *args)
        self.recorder.finish(step, time.monotonic() - started)

    def _wait_for_another(self) -> None:
        self.stops.check()
        self.recorder.progress(0.0, "waiting for another attack that makes the same")

    def user_ids(self) -> tuple[str, ...]:
        """The ids of the users to judge, in order."""
        return Ids.from_array(self.artifacts.get(self.judged).arrays["user_ids"]).names

    def client(
        self, address: TargetAddress, *, rng: np.random.Generator, journal: Journal | None = None
    ) -> TargetClient:
        """Open a client of the target that was asked before. Raises BadInput if its key is not set."""
        return TargetClient(
            address,
            key=self.resources.keys.read(address.key_env),
            rng=rng,
            pinned=self.pinned_deployment(),
            journal=journal,
            stops=self.stops,
        )

    def pinned_deployment(self) -> str | None:
        """The deployment that gave the stored lists; None = no list yet, or the target does not say which."""
        with self.resources.database.read() as session:
            return store.attack(session, self.attack_id).deployment
