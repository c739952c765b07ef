from services.attacker import experiment_tables  # noqa: F401  its tables join the metadata
from services.attacker.tables import metadata
from shared.migrations import run_migrations

run_migrations(metadata)
