"""What the bare servers share: the bytes they serve, and uvicorn with uvloop and httptools on a free port."""

import json
import socket
from pathlib import Path
from typing import Any

import uvicorn


def answer(n_items: int) -> bytes:
    """Give a list as the target would: ids of four characters."""
    return json.dumps({"user_id": "u0001", "items": [f"{1000 + n}" for n in range(n_items)]}).encode()


def run(app: Any, port_file: str) -> None:
    """Serve until told to stop; the port is written before the first request is answered."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(2048)
        Path(port_file).write_text(str(listening.getsockname()[1]))
        config = uvicorn.Config(app, loop="uvloop", http="httptools", log_config=None, access_log=False)
        uvicorn.Server(config).run(sockets=[listening])
