"""What a long run has measured so far, kept as it goes: the same command goes on where it was cut off."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path

from lab.bench.runs import Outcome
from shared.errors import StorageFailed

_ROOT = Path(__file__).resolve().parents[2]
_SOURCES = (
    "shared/**/*.py",
    "services/**/*.py",
    *(f"lab/bench/{name}.py" for name in ("clock", "growth_points", "growth_floor", "matrices", "ours_*")),
)


class Kept:
    """Outcomes in a file of JSON lines, by all that they depend on.

    path  None = nothing is kept
    An outcome of other code is never given; a line that a cut-off run left unfinished is skipped.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._found = dict(_read(path)) if path is not None else {}
        self.n_reused = 0

    def get(self, options: Mapping[str, object]) -> Outcome | None:
        """Give what was measured with these options and this code; None if nothing was."""
        found = self._found.get(_key(options))
        self.n_reused += found is not None
        return found

    def add(self, options: Mapping[str, object], outcome: Outcome) -> None:
        """Keep an outcome at once. Raises StorageFailed if the file does not take it."""
        self._found[_key(options)] = outcome
        if self._path is None:
            return
        line = json.dumps({**options, "code": code_hash(), "outcome": asdict(outcome)})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"\n{line}\n")  # the first line end closes what a cut-off run may have left
        except OSError as error:
            raise StorageFailed(f"{self._path} could not be written: {error.strerror}") from error


@cache
def code_hash() -> str:
    """Hash all source that a measurement runs: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in _SOURCES for path in _ROOT.glob(pattern)}):
        digest.update(str(path.relative_to(_ROOT)).encode() + b"\x00" + path.read_bytes())
    return digest.hexdigest()[:16]


def _key(options: Mapping[str, object]) -> str:
    return json.dumps({**options, "code": code_hash()}, sort_keys=True)


def _read(path: Path) -> Iterator[tuple[str, Outcome]]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            read = json.loads(line)
            outcome = Outcome(**read.pop("outcome"))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
        yield json.dumps(read, sort_keys=True), outcome
