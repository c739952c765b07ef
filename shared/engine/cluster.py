"""The connection to a Dask cluster: made, or refused with the reason."""

import logging

from distributed import Client
from distributed.comm import parse_address, parse_host_port
from distributed.security import Security

from shared.engine.surroundings import objections, surroundings, worker_state
from shared.errors import BadInput, ServiceUnreachable

_MOST_TOLD = 3


def connect(address: str, *, timeout_s: float) -> Client:
    """Connect to a scheduler whose workers are like this process.

    Raises BadInput if the address cannot be one, if TLS is not configured, or if a worker differs from us;
    ServiceUnreachable if the scheduler does not answer in time, or has no worker in time.
    """
    _log_as_we_do()
    _check_address(address)
    try:
        # a connection of our own, not what `get_client` of somebody else in this process would find
        client = Client(address, timeout=timeout_s, set_as_default=False, name="recleak")
    except OSError as error:
        raise ServiceUnreachable(
            f"no Dask scheduler answers at {address}; start it, or give the engine's right address"
        ) from error
    try:
        _check_workers(client, address, timeout_s)
    except BaseException:
        client.close()
        raise
    return client


def _check_address(address: str) -> None:
    scheme, location = parse_address(address)
    try:
        parse_host_port(location)
    except ValueError as error:
        raise BadInput(f"{address} is no address of a scheduler; write {scheme}://HOST:PORT") from error
    if scheme == "tls" and Security().get_connection_args("client")["ssl_context"] is None:
        raise BadInput(
            "tls:// needs certificates; set DASK_DISTRIBUTED__COMM__TLS__CA_FILE, ..__CLIENT__CERT and"
            " ..__CLIENT__KEY to their files"
        )


def _check_workers(client: Client, address: str, timeout_s: float) -> None:
    try:
        client.wait_for_workers(1, timeout=timeout_s)
    except TimeoutError as error:
        raise ServiceUnreachable(
            f"the Dask scheduler at {address} has no workers; start one: dask worker {address} --nthreads 1"
        ) from error
    n_threads = client.nthreads()
    told = client.run(worker_state, on_error="return")
    found = [
        f"{worker}: {objection}"
        for worker, state in told.items()
        for objection in _objections(state, n_threads.get(worker, 1))
    ]
    if found:
        more = f", and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
        raise BadInput(
            f"the workers of {address} are not like this process ({'; '.join(found[:_MOST_TOLD])}{more});"
            " start them from the same image"
        )


def _objections(state: object, n_threads: int) -> list[str]:
    if isinstance(state, OSError):  # it is about to die; its successor checks itself before each task
        return []
    if not isinstance(state, dict):
        return [f"it cannot run RecLeak ({type(state).__name__}: {state})"]
    return objections(surroundings(), state, n_threads=n_threads)


def _log_as_we_do() -> None:
    """Undo what importing distributed does: handlers and formats of its own, past those of the service."""
    for name in ("distributed", "distributed.client", "bokeh", "tornado", "tornado.application"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
