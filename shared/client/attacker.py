"""The attacker service, typed."""

from collections.abc import Iterator
from functools import cached_property

from shared.client.events import follow_path
from shared.client.experiments import ExperimentsClient
from shared.client.service import ServiceClient
from shared.client.wire import segment
from shared.contract.attacker import (
    Attack,
    AttackEvent,
    AttackList,
    AttackSpec,
    Catalogue,
    Judgement,
    Prediction,
    PredictionPage,
)
from shared.contract.base import JobState
from shared.errors import JobFailed, JobStopped


class AttackerClient(ServiceClient):
    """An attacker service, such as http://127.0.0.1:8002; see `ServiceClient`."""

    @cached_property
    def experiments(self) -> ExperimentsClient:
        """What it offers about experiments."""
        return ExperimentsClient(self._wire, self._clock)

    def submit(self, spec: AttackSpec) -> Attack:
        """Submit an attack; it runs in the background."""
        return self._wire.post(Attack, "/v1/attacks", spec)

    def attacks(self) -> tuple[Attack, ...]:
        """All attacks, newest first."""
        return self._wire.get(AttackList, "/v1/attacks").attacks

    def attack(self, attack_id: str) -> Attack:
        """One attack, as it stands."""
        return self._wire.get(Attack, _path(attack_id))

    def events(self, attack_id: str, last_event_id: int | None = None) -> Iterator[AttackEvent]:
        """What happens to an attack, as it happens, until it ends; a broken connection is made again.

        last_event_id  only events after this one; None = all, from the first
        """
        path = f"{_path(attack_id)}/events"
        return follow_path(AttackEvent, self._wire, path, last_event_id=last_event_id, clock=self._clock)

    def wait(self, attack_id: str) -> Attack:
        """Wait until an attack is done. Raises as `finished`."""
        for _ in self.events(attack_id):
            pass
        return finished(self.attack(attack_id))

    def predictions(self, attack_id: str, *, page_size: int | None = None) -> Iterator[Prediction]:
        """What the attack says of each user, page after page, ordered as they were judged."""
        cursor = None
        while True:
            params = {"limit": page_size, "cursor": cursor}
            page = self._wire.get(PredictionPage, f"{_path(attack_id)}/predictions", params)
            yield from page.predictions
            if (cursor := page.next_cursor) is None:
                return

    def predictions_csv(self, attack_id: str) -> Iterator[str]:
        """The same as lines of CSV, the header first."""
        headers = {"Accept": "text/csv"}
        with self._wire.stream(f"{_path(attack_id)}/predictions", headers=headers) as response:
            yield from response.iter_lines()

    def figures(self, attack_id: str) -> Judgement:
        """All figures. Raises Conflict as long as there are none."""
        return self._wire.get(Judgement, f"{_path(attack_id)}/figures")

    def cancel(self, attack_id: str) -> Attack:
        """Ask an attack to stop; what is stored stays."""
        return self._wire.post(Attack, f"{_path(attack_id)}/cancel")

    def resume(self, attack_id: str) -> Attack:
        """Go on with an attack from the last stored stage."""
        return self._wire.post(Attack, f"{_path(attack_id)}/resume")

    def delete(self, attack_id: str) -> None:
        """Delete an attack and all that was stored for it."""
        self._wire.delete(_path(attack_id))

    def catalogue(self) -> Catalogue:
        """Everything that a spec can name."""
        return self._wire.get(Catalogue, "/v1/catalogue")


def finished(attack: Attack) -> Attack:
    """Give an attack that is done.

    Raises JobStopped if it was cancelled; JobFailed if it failed, was interrupted or is not done yet.
    """
    if attack.state is JobState.DONE:
        return attack
    if attack.state is JobState.CANCELLED:
        raise JobStopped(f"the attack {attack.id} was cancelled; resume it to go on")
    raise JobFailed(f"the attack {attack.id} is {attack.state}: {attack.error or 'no reason was given'}")


def _path(attack_id: str) -> str:
    return f"/v1/attacks/{segment(attack_id)}"
