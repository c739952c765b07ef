"""All that a running attacker service holds, opened and closed together."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from services.attacker.jobs import Jobs, interrupt_unfinished
from services.attacker.key_variables import KeyVariables
from services.attacker.service import AttackerService
from services.attacker.settings import AttackerSettings
from services.attacker.stepping import Resources
from shared.artifacts import ArtifactStore
from shared.database import open_database
from shared.engine import Engine


@contextmanager
def open_service(
    settings: AttackerSettings,
    *,
    make_engine: Callable[[], Engine],
    artifacts: ArtifactStore,
    environment: Mapping[str, str],
) -> Iterator[AttackerService]:
    """Open the database at its newest schema, and mark what was interrupted when the service ended.

    environment  where specs' keys are read from
    Raises StorageFailed if the data folder cannot be used.
    """
    database = open_database(settings.url, migrations="services.attacker:migrations")
    try:
        artifacts.clean()
        resources = Resources(
            database=database,
            artifacts=artifacts,
            engine=make_engine(),
            keys=KeyVariables(environment),
            data_dir=settings.data_dir,
        )
        interrupt_unfinished(resources)
        jobs = Jobs(resources, concurrent_attacks=settings.concurrent_attacks)
        try:
            yield AttackerService(resources=resources, jobs=jobs)
        finally:
            jobs.close()
    finally:
        database.close()
