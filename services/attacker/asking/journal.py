"""Single answers as they arrive, before their chunk is complete: a killed attack asks nobody again."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.artifacts import ArtifactStore
from shared.errors import StorageFailed

Names = list[str]

_HEAD = re.compile(rb"(\d{1,9}):")


def journal_path(artifacts: ArtifactStore, attack_id: str) -> Path:
    """Say where an attack's journal lies: beside the artefacts."""
    return artifacts.root.parent / "journals" / f"{attack_id}.answers"


class Journal:
    """A file of answers, written at once, each as it arrives, and read when it is opened again.

    A record is in the system's hands when `add` returns: it survives the death of this process. After the
    death of the machine the last ones may be missing; then they are asked for again. One that is not whole is
    no answer.

    A record is a netstring (length, colon, bytes, comma) of texts with a zero between them, which no id
    contains: the user; "+", or "-" for "not found", and the deployment, if it was named; the items. JSON
    takes eight times as long to write. Source: D. J. Bernstein, Netstrings, 1997.
    Raises StorageFailed if the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.deployment: str | None = None
        self._answers: dict[str, Names | None] = {}
        self._is_empty = True
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
        """Write an answer down; it is given again only by who opens the file later."""
        sign = "-" if names is None else "+"
        record = "\0".join((user_id, sign + (deployment or ""), *(names or ()))).encode()
        try:
            os.write(self._file, b"%d:%b," % (len(record), record))
        except OSError as error:
            raise self._failed("written", error) from error
        self._is_empty = False

    def clear(self) -> None:
        """Forget all answers: their chunk is stored."""
        try:
            os.ftruncate(self._file, 0)
        except OSError as error:
            raise self._failed("written", error) from error
        self._answers.clear()
        self._is_empty = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)
        if self._is_empty:
            self._path.unlink(missing_ok=True)

    def _read(self) -> None:
        if not self._path.exists():
            return
        n_whole = 0
        for record, end in _records(self._path.read_bytes()):
            user_id, said, *names = record.decode().split("\0")
            self._answers[user_id] = names if said[0] == "+" else None
            self.deployment = said[1:] or self.deployment
            n_whole = end
        os.truncate(self._path, n_whole)
        self._is_empty = n_whole == 0

    def _failed(self, done: str, error: OSError) -> StorageFailed:
        return StorageFailed(
            f"the journal of answers could not be {done} ({error.strerror}); free some space, or make the "
            "folder writable, and resume"
        )


def _records(written: bytes) -> Iterator[tuple[bytes, int]]:
    """Give each record and where it ends, up to the first that was never written whole."""
    start = 0
    while (head := _HEAD.match(written, start)) is not None:
        end = head.end() + int(head[1])
        record = written[head.end() : end]
        if written[end : end + 1] != b"," or not all(record.split(b"\0")):
            return
        yield record, end + 1
        start = end + 1
