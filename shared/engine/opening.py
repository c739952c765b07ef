"""Which engine somebody means who writes one down."""

from shared.engine.inline import InlineEngine
from shared.engine.port import Engine
from shared.engine.process import ProcessEngine
from shared.engine.threads import ThreadEngine
from shared.errors import BadInput

_CLUSTER = ("tcp://", "tls://")


def check_engine(spec: str) -> str:
    """Give a spec back. Raises ValueError, naming what there is, if it means no engine."""
    if spec in {"inline", "process", "threads"} or spec.startswith(_CLUSTER):
        return spec
    raise ValueError(
        "an engine is inline, process, threads, or the address of a Dask scheduler (tcp://HOST:PORT or"
        " tls://HOST:PORT); choose one of the four"
    )


def open_engine(spec: str, *, n_workers: int) -> Engine:
    """Open an engine: `inline`, `process`, `threads`, or the address of a Dask scheduler.

    n_workers  of `process` and `threads`, at least 1; a cluster has as many as it has
    Raises BadInput if the spec means none, if the cluster's workers differ from us, or if the cluster needs
    what is not installed; ServiceUnreachable if its scheduler or its workers do not answer.
    """
    try:
        check_engine(spec)
    except ValueError as error:
        raise BadInput(str(error)) from error
    if spec == "inline":
        return InlineEngine()
    if spec == "process":
        return ProcessEngine(n_workers)
    if spec == "threads":
        return ThreadEngine(n_workers)
    try:
        from shared.engine.dask import DaskEngine  # noqa: PLC0415  optional, and 0.4 s to import
    except ModuleNotFoundError as error:
        raise BadInput("a cluster needs Dask; run pip install 'recleak[cluster]'") from error
    return DaskEngine(spec)
