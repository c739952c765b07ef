"""What a run could not make, on disk: it is there whatever ends the run, and gone once it is made."""

import json
from collections.abc import Collection
from pathlib import Path

from services.attacker.experiments.scheduling import Job, Observer
from shared.errors import RecLeakError

FAILURES_FILE = "failures.json"


class Failures:
    """An observer that remembers failures, those of earlier tries included, and tells another of everything.

    done  labels of what is made already
    Kept by label: names of artefacts change with the code, what a reader calls them does not.
    """

    def __init__(self, folder: Path, observer: Observer, *, done: Collection[str]) -> None:
        self._folder = folder
        self._observer = observer
        self._told = {label: why for label, why in read_failures(folder).items() if label not in done}

    def began(self, job: Job) -> None:
        """A worker has it."""
        self._observer.began(job)

    def ended(self, job: Job) -> None:
        """It is made, whatever happened before."""
        if self._told.pop(job.label, None) is not None:
            self.save()
        self._observer.ended(job)

    def failed(self, job: Job, error: RecLeakError) -> None:
        """It will not be made now."""
        self._told[job.label] = f"{type(error).__name__}: {error}"
        self.save()
        self._observer.failed(job, error)

    def save(self) -> None:
        """Write them."""
        write_whole(self._folder / FAILURES_FILE, json.dumps(self._told, indent=1, sort_keys=True))


def read_failures(folder: Path) -> dict[str, str]:
    """Give what a run could not make: why, by label; empty if there is nothing, or no run."""
    path = folder / FAILURES_FILE
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is old or new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)
