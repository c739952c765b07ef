"""`recleak serve`: the services, in the foreground."""

import os
from pathlib import Path
from typing import Annotated

import typer

from lab import folders

_EPILOG = """
**Examples**

- `RECLEAK_TARGET_ADMIN_KEY=... RECLEAK_TARGET_ORACLE_KEY=... recleak serve target`
- `RECLEAK_ORACLE_KEY=... recleak serve attacker --port 8002`
- `recleak serve target --port 0 --port-file port.txt`: any free port, written to a file

Every setting is an environment variable too (RECLEAK_TARGET_..., RECLEAK_ATTACKER_...); an option wins. Keys
are variables only: the command line of a process is no secret.
"""

app = typer.Typer(
    help="Run a service in the foreground, until Ctrl-C.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Host = Annotated[str | None, typer.Option(help="Address to listen at.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen at; 0 = any free one.")]
Data = Annotated[Path | None, typer.Option(help="Folder of the service's own data.")]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder of the data sets; RECLEAK_DATA_DIR or our cache by default.")
]
PortFile = Annotated[Path | None, typer.Option(help="Write the port here once requests are answered.")]


@app.command("target", epilog=_EPILOG)
def target(
    host: Host = None,
    port: Port = None,
    data: Data = None,
    data_dir: DataDir = None,
    port_file: PortFile = None,
) -> None:
    """The recommender under attack (port 8001)."""
    _set("RECLEAK_TARGET_", host, port, data, data_dir)
    from lab.serving import serve_target

    serve_target(port_file)


@app.command("attacker", epilog=_EPILOG)
def attacker(
    host: Host = None,
    port: Port = None,
    data: Data = None,
    data_dir: DataDir = None,
    port_file: PortFile = None,
) -> None:
    """The attacker (port 8002)."""
    _set("RECLEAK_ATTACKER_", host, port, data, data_dir)
    from lab.serving import serve_attacker

    serve_attacker(port_file)


def _set(prefix: str, host: str | None, port: int | None, data: Path | None, data_dir: Path | None) -> None:
    """Let options win over variables by becoming variables, so that both are checked in one place."""
    for name, value in (("HOST", host), ("PORT", port), ("DATA", data)):
        if value is not None:
            os.environ[prefix + name] = str(value)
    os.environ[folders.VARIABLE] = str(folders.data_dir(data_dir))
