"""A service that does as it is told: `python fake_service.py PORT_FILE BEHAVIOR`."""

import signal
import socket
import subprocess
import sys
from pathlib import Path


def serve(port_file: Path, behavior: str) -> None:
    if behavior == "dies":
        sys.exit("first line\nthe disk is full")
    if behavior == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if behavior == "has a worker":
        worker = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        port_file.with_suffix(".worker").write_text(str(worker.pid))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        if behavior != "silent":
            unfinished = port_file.with_suffix(".unfinished")
            unfinished.write_text(f"{listening.getsockname()[1]}\n")
            unfinished.replace(port_file)
        while True:
            listening.accept()[0].close()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2])
