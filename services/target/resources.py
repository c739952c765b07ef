"""All that a running target service holds, opened and closed together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from services.target.flushing import Flusher
from services.target.jobs import Jobs, resume, resume_measurements
from services.target.service import TargetService
from services.target.serving import Serving
from services.target.settings import TargetSettings
from shared.artifacts import ArtifactStore
from shared.database import Database, open_database
from shared.engine import Engine


@contextmanager
def open_service(
    settings: TargetSettings,
    *,
    serving: Serving,
    make_engine: Callable[[], Engine],
    artifacts: ArtifactStore,
) -> Iterator[TargetService]:
    """Open the database at its newest schema, serve what is ready, and begin what was ordered.

    Raises StorageFailed if the data folder cannot be used; BadInput or NotFound if the ordered deployment
    cannot be made.
    """
    database = open_database(settings.url, migrations="services.target:migrations")
    try:
        artifacts.clean()
        with _jobs(settings, database, serving, make_engine, artifacts) as jobs:
            service = TargetService(database=database, jobs=jobs, serving=serving, data_dir=settings.data_dir)
            resume(jobs, database, serving)
            flusher = Flusher(database, serving, interval_s=settings.flush_interval_s)
            try:
                if settings.measure_quality:
                    resume_measurements(jobs, database)
                if settings.deploy is not None:
                    service.deploy_first(settings.deploy)
                yield service
            finally:
                flusher.close()
    finally:
        database.close()


@contextmanager
def _jobs(
    settings: TargetSettings,
    database: Database,
    serving: Serving,
    make_engine: Callable[[], Engine],
    artifacts: ArtifactStore,
) -> Iterator[Jobs]:
    jobs = Jobs(
        database=database,
        artifacts=artifacts,
        models=settings.models,
        engine=make_engine(),
        serving=serving,
        data_dir=settings.data_dir,
        is_measured=settings.measure_quality,
    )
    try:
        yield jobs
    finally:
        jobs.close()
