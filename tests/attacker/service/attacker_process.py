"""Run as a module: an attacker service by its environment, its port written to the file named."""

import sys
from pathlib import Path

from services.attacker.app import create_app
from services.attacker.settings import AttackerSettings
from shared.web.logging import LogFormat, LogLevel, Redaction, set_up_logging
from shared.web.server import serve


def main() -> None:
    set_up_logging(level=LogLevel.INFO, format_=LogFormat.PLAIN, redaction=Redaction())
    settings = AttackerSettings.read()
    serve(lambda: create_app(settings), host="127.0.0.1", port=0, port_file=Path(sys.argv[1]), grace_s=1)


if __name__ == "__main__":
    main()
