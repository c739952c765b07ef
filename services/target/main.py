"""The target service as a process."""

import logging
from pathlib import Path

from services.target.app import create_app
from services.target.settings import TargetSettings, unknown_variables
from shared.web.logging import Redaction, set_up_logging
from shared.web.server import OnReady, serve

_log = logging.getLogger(__name__)


def run(settings: TargetSettings, *, port_file: Path | None = None, on_ready: OnReady | None = None) -> None:
    """Serve until TERM or Ctrl-C. Raises as `shared.web.server.serve`."""
    keys = (settings.admin_key, settings.oracle_key, settings.api_key)
    set_up_logging(
        level=settings.log_level,
        format_=settings.log_format,
        redaction=Redaction(key.get_secret_value() for key in keys if key is not None),
    )
    for name in unknown_variables():
        _log.warning("the variable %s means nothing to this service; is it misspelled?", name)
    serve(
        lambda: create_app(settings),
        host=settings.host,
        port=settings.port,
        port_file=port_file,
        on_ready=on_ready,
    )
