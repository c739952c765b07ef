"""Single answers as they arrive, before their chunk is complete: a killed attack asks nobody again."""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.artifacts import ArtifactStore
from shared.errors import StorageFailed

Names = list[str]


def journal_path(artifacts: ArtifactStore, attack_id: str) -> Path:
    """Say where an attack's journal lies: beside the artefacts."""
    return artifacts.root.parent / "journals" / f"{attack_id}.jsonl"


class Journal:
    """A file of answers, one line each, written at once and read when it is opened again.

    A line is in the system's hands when `add` returns: it survives the death of this process. After the death
    of the machine the last ones may be missing; then they are asked for again. A line that is not whole is no
    answer. Raises StorageFailed if the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.deployment: str | None = None
        self._answers: dict[str, Names | None] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._read()
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise self._failed("opened", error) from error

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._answers

    def answer(self, user_id: str) -> Names | None:
        """Give what the target answered for a user who is in here; None = not found."""
        return self._answers[user_id]

    def add(self, user_id: str, names: Names | None, *, deployment: str | None) -> None:
        """Write an answer down."""
        line = json.dumps([user_id, names, deployment], separators=(",", ":")) + "\n"
        try:
            os.write(self._file, line.encode())
        except OSError as error:
            raise self._failed("written", error) from error
        self._answers[user_id] = names

    def clear(self) -> None:
        """Forget all answers: their chunk is stored."""
        try:
            os.ftruncate(self._file, 0)
        except OSError as error:
            raise self._failed("written", error) from error
        self._answers.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)
        if not self._answers:
            self._path.unlink(missing_ok=True)

    def _read(self) -> None:
        if not self._path.exists():
            return
        n_whole = 0
        for line in self._path.read_bytes().splitlines(keepends=True):
            try:
                user_id, names, deployment = json.loads(line if line.endswith(b"\n") else b"")
            except ValueError:
                break  # what follows was never written whole
            self._answers[user_id] = names
            self.deployment = deployment or self.deployment
            n_whole += len(line)
        os.truncate(self._path, n_whole)

    def _failed(self, done: str, error: OSError) -> StorageFailed:
        return StorageFailed(
            f"the journal of answers could not be {done} ({error.strerror}); free some space, or make the "
            "folder writable, and resume"
        )
