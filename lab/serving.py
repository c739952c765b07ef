"""Both services in the foreground, until somebody says stop."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from shared.web.logging import LogFormat, LogLevel, Redaction, set_up_logging
from shared.web.server import serve

_log = logging.getLogger(__name__)


def serve_target(port_file: Path | None) -> None:
    """Serve the target by its environment variables. Raises as `serve`; BadInput on a bad setting."""
    from services.target.app import create_app  # noqa: PLC0415 - each service is started without the other
    from services.target.settings import TargetSettings  # noqa: PLC0415

    settings = TargetSettings.read()
    _set_up_logging(settings.log_level, settings.log_format, TargetSettings.unknown_variables())
    serve(
        lambda: create_app(settings),
        host=settings.host,
        port=settings.port,
        on_ready=lambda port: _say_where("target", settings.host, port),
        port_file=port_file,
    )


def serve_attacker(port_file: Path | None) -> None:
    """Serve the attacker by its environment variables. Raises as `serve`; BadInput on a bad setting."""
    from services.attacker.app import create_app  # noqa: PLC0415
    from services.attacker.settings import AttackerSettings  # noqa: PLC0415

    settings = AttackerSettings.read()
    _set_up_logging(settings.log_level, settings.log_format, AttackerSettings.unknown_variables())
    serve(
        lambda: create_app(settings),
        host=settings.host,
        port=settings.port,
        on_ready=lambda port: _say_where("attacker", settings.host, port),
        port_file=port_file,
    )


def secrets_in(environment: Mapping[str, str]) -> list[str]:
    """Find what no log may show: the values of our variables whose names say that they are keys."""
    return [
        value for name, value in environment.items() if name.startswith("RECLEAK_") and name.endswith("_KEY")
    ]


def _set_up_logging(level: LogLevel, format_: LogFormat, unknown: Sequence[str]) -> None:
    set_up_logging(level=level, format_=format_, redaction=Redaction(secrets_in(os.environ)))
    if unknown:
        _log.warning("these variables mean nothing here and are left out: %s", ", ".join(unknown))


def _say_where(service: str, host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    _log.info("the %s answers at http://%s:%d (its routes: /docs)", service, shown, port)
