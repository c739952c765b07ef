"""What holds for every test: one thread, no settings from outside, no network, no deadline."""

import ipaddress
import os
import socket
import sys

import pytest
from hypothesis import settings

NEEDS = {
    "postgres": ("RECLEAK_TEST_POSTGRES_URL", "no PostgreSQL server"),
    "browser": ("RECLEAK_TEST_CHROMIUM", "no browser"),
}

# before numpy and torch are imported: tests run side by side, and sums in one thread are the same everywhere
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
# a developer's own settings must not decide what a test sees; what is meant for the tests says so
for _variable in [name for name in os.environ if name.startswith("RECLEAK_")]:
    if not _variable.startswith("RECLEAK_TEST_"):
        del os.environ[_variable]

settings.register_profile("recleak", deadline=None, derandomize=True)
settings.load_profile("recleak")


def _is_here(host: object) -> bool:
    if host in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback or str(host) == "0.0.0.0"
    except ValueError:
        return False


def _stay_here(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not _is_here(arguments[1][0]):
        raise OSError(f"a test tried to reach {arguments[1][0]}: tests use no network")
    if event == "socket.getaddrinfo" and not _is_here(arguments[0]):
        raise socket.gaierror(socket.EAI_NONAME, f"a test asked for {arguments[0]!r}: tests use no network")


sys.addaudithook(_stay_here)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a PostgreSQL server or a browser where there is none."""
    for item in items:
        for marker, (variable, what) in NEEDS.items():
            if item.get_closest_marker(marker) and variable not in os.environ:
                item.add_marker(pytest.mark.skip(reason=f"{variable} is not set: {what}"))
