"""All that a running attacker service holds, opened and closed together."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from services.attacker.experiment_service import ExperimentService
from services.attacker.key_variables import KeyVariables
from services.attacker.running.experiment_jobs import ExperimentJobs, ExperimentPlace
from services.attacker.running.experiment_jobs import interrupt_unfinished as interrupt_experiments
from services.attacker.running.jobs import Jobs, interrupt_unfinished
from services.attacker.running.stepping import Resources
from services.attacker.service import AttackerService
from services.attacker.settings import AttackerSettings
from shared.artifacts import ArtifactStore
from shared.database import open_database
from shared.engine import Engine


@dataclass(frozen=True)
class OpenServices:
    """What routes talk to."""

    attacks: AttackerService
    experiments: ExperimentService


@contextmanager
def open_service(
    settings: AttackerSettings,
    *,
    make_engine: Callable[[], Engine],
    artifacts: ArtifactStore,
    environment: Mapping[str, str],
) -> Iterator[OpenServices]:
    """Open the database at its newest schema, and mark what was interrupted when the service ended.

    environment  where specs' keys are read from
    Raises StorageFailed if the data folder cannot be used.
    """
    database = open_database(settings.url, migrations="services.attacker:migrations")
    try:
        artifacts.clean()
        engine = make_engine()
        resources = Resources(
            database=database,
            artifacts=artifacts,
            engine=engine,
            keys=KeyVariables(environment),
            data_dir=settings.data_dir,
        )
        place = ExperimentPlace(
            database=database,
            engine=engine,
            folder=settings.experiments,
            data_dir=settings.data_dir,
            n_slots=getattr(engine, "n_workers", 1),
        )
        place.artifacts.clean()
        interrupt_unfinished(resources)
        interrupt_experiments(database)
        jobs = Jobs(resources, concurrent_attacks=settings.concurrent_attacks)
        experiments = ExperimentJobs(place)
        try:
            yield OpenServices(
                AttackerService(resources=resources, jobs=jobs), ExperimentService(place, experiments)
            )
        finally:
            experiments.stop()
            jobs.close()  # the engine with them
            experiments.join()
    finally:
        database.close()
