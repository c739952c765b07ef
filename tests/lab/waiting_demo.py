"""Starts two fake services, says who and where they are, and waits to be interrupted."""

import sys
import threading
from contextlib import closing

from process_worlds import command

from lab.processes import Services
from lab.signals import Interrupted


def main() -> None:
    services = Services(grace_s=0.3)
    try:
        with closing(services), services:
            for name, behavior in (("target", "has a worker"), ("attacker", "stubborn")):
                service = services.start(name, command(behavior), {})
                services.port_of(service, timeout_s=30)
            worker = (services.folder / "target.worker").read_text()
            sys.stdout.write(" ".join(map(str, [services.folder, *services.pids(), worker])) + "\n")
            sys.stdout.flush()
            threading.Event().wait()
    except Interrupted as stop:
        sys.exit(stop.exit_code)


if __name__ == "__main__":
    main()
