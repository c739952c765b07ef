"""The peers, each in a virtual environment of its own, made when it is first needed."""

import hashlib
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from lab.bench.runs import checkout
from shared.errors import JobFailed

_INSTALL_S = 1800.0
_STAMP = "installed.sha256"
_TAIL = 400


@dataclass(frozen=True)
class Venvs:
    """A folder of environments, one for each file of requirements in benchmarks/peers.

    is_allowed  False = no peer is run, and nothing installed
    """

    folder: Path
    is_allowed: bool

    def python(self, name: str) -> str:
        """Give the interpreter of an environment, made first if need be, and anew if its file has changed.

        Raises JobFailed if peers are not wanted or it cannot be installed, with the end of what pip said.
        """
        if not self.is_allowed:
            raise JobFailed("peers are left out (--no-peers)")
        requirements = checkout() / "benchmarks" / "peers" / f"{name}.txt"
        folder = self.folder / name
        python = folder / "bin" / "python"
        wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
        stamp = folder / _STAMP
        if not (stamp.is_file() and stamp.read_text() == wanted and python.exists()):
            self.folder.mkdir(parents=True, exist_ok=True)
            venv.create(folder, clear=True, with_pip=True, symlinks=True)
            _install(python, requirements)
            stamp.write_text(wanted)
        return str(python)


def script(name: str) -> str:
    """Give the path of a peer's script."""
    return str(checkout() / "benchmarks" / "peers" / f"{name}.py")


def own_python() -> str:
    """The interpreter of this environment, for peers whose packages we have ourselves."""
    return sys.executable


def _install(python: Path, requirements: Path) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        done = subprocess.run(
            [*command, "-r", str(requirements)],
            capture_output=True,
            text=True,
            timeout=_INSTALL_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise JobFailed(f"{requirements.name} was not installed within {_INSTALL_S:.0f} s") from error
    if done.returncode != 0:
        raise JobFailed(f"{requirements.name} cannot be installed: {done.stderr.strip()[-_TAIL:]}")
