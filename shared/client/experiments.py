"""The experiments of an attacker service, typed."""

from collections.abc import Iterator

from shared.client.events import follow_path
from shared.client.waiting import Clock
from shared.client.wire import Wire, segment
from shared.contract.base import JobState
from shared.contract.experiments import (
    Experiment,
    ExperimentEvent,
    ExperimentList,
    ExperimentSpec,
    Matrices,
    Matrix,
)
from shared.errors import JobFailed, JobStopped

_ALL = "/v1/experiments"


class ExperimentsClient:
    """What `AttackerClient.experiments` can do; errors are those of `AttackerClient`."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock

    def submit(self, spec: ExperimentSpec) -> Experiment:
        """Submit an experiment; it runs in the background."""
        return self._wire.post(Experiment, _ALL, spec)

    def all(self) -> tuple[Experiment, ...]:
        """All experiments, newest first."""
        return self._wire.get(ExperimentList, _ALL).experiments

    def get(self, experiment_id: str) -> Experiment:
        """One experiment, as it stands."""
        return self._wire.get(Experiment, _path(experiment_id))

    def events(self, experiment_id: str, last_event_id: int | None = None) -> Iterator[ExperimentEvent]:
        """What happens, as it happens, until it ends; a broken connection is made again.

        last_event_id  only events after this one; None = all, from the first
        """
        path = f"{_path(experiment_id)}/events"
        return follow_path(ExperimentEvent, self._wire, path, last_event_id=last_event_id, clock=self._clock)

    def wait(self, experiment_id: str) -> Experiment:
        """Wait until an experiment is done.

        Raises JobStopped if it was cancelled; JobFailed if something failed, or if it was interrupted.
        """
        for _ in self.events(experiment_id):
            pass
        found = self.get(experiment_id)
        if found.state is JobState.DONE:
            return found
        if found.state is JobState.CANCELLED:
            raise JobStopped(f"the experiment {found.id} was cancelled; resume it to go on")
        raise JobFailed(f"the experiment {found.id} is {found.state}: {found.error or 'no reason was given'}")

    def matrices(self, experiment_id: str) -> tuple[Matrix, ...]:
        """Its figures, shadow by target, as far as they are there."""
        return self._wire.get(Matrices, f"{_path(experiment_id)}/matrix").matrices

    def results_csv(self, experiment_id: str) -> str:
        """A row for every cell and seed. Raises Conflict as long as there is none."""
        return self._wire.send("GET", f"{_path(experiment_id)}/results").text

    def report_html(self, experiment_id: str) -> str:
        """The report as a page. Raises Conflict as long as there is none."""
        return self._wire.send("GET", f"{_path(experiment_id)}/report").text

    def cancel(self, experiment_id: str) -> Experiment:
        """Ask an experiment to stop; what is done stays."""
        return self._wire.post(Experiment, f"{_path(experiment_id)}/cancel")

    def resume(self, experiment_id: str, *, only_failed: bool = False) -> Experiment:
        """Go on with what is not done, or only with what failed."""
        params = {"only_failed": "true"} if only_failed else None
        return self._wire.post(Experiment, f"{_path(experiment_id)}/resume", params=params)

    def delete(self, experiment_id: str) -> None:
        """Delete an experiment and what no other one uses."""
        self._wire.delete(_path(experiment_id))


def _path(experiment_id: str) -> str:
    return f"{_ALL}/{segment(experiment_id)}"
