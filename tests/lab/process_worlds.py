"""How to start a fake service, and how to see whether a process is gone."""

import sys
from pathlib import Path

from lab.signals import is_alive


def command(behavior: str) -> list[str]:
    """What starts a fake service."""
    return [sys.executable, str(Path(__file__).with_name("fake_service.py")), "{port_file}", behavior]


def is_gone(pid: int) -> bool:
    """Say whether a process has ended; one that nobody has asked about yet counts as ended."""
    if not is_alive(pid):
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"
