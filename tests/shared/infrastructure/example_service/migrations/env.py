from shared.migrations import run_migrations
from tests.shared.infrastructure.example_service.tables import metadata

run_migrations(metadata)
