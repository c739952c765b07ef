"""Services that several tests of a module ask and none changes."""

from collections.abc import Iterator

import pytest

from tests.target.running import Running, running


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One deployment of the default kind, active; read it only."""
    with running(tmp_path_factory.mktemp("target")) as service:
        service.deploy(membership_seed=1)
        yield service
