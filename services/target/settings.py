"""The settings of the target service: read once from the environment, frozen, passed down."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from shared.contract.target import DeploymentSpec
from shared.datasets.places import default_data_dir
from shared.engine import check_engine
from shared.errors import BadInput
from shared.web.logging import LogFormat, LogLevel

PREFIX = "RECLEAK_TARGET_"
_SHARED = {"data_dir", "engine"}  # of both services, with names of their own


Key = Annotated[SecretStr, Field(min_length=8)]


class TargetSettings(BaseSettings):
    """Each field is the environment variable RECLEAK_TARGET_<FIELD>, in capitals."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    host: str = "127.0.0.1"
    """Address to listen at."""
    port: int = Field(default=8001, ge=0, le=65535)
    """Port to listen at; 0 = any free one."""
    data: Path = Path(".recleak/target")
    """Folder of the database and of the trained lists."""
    database_url: str | None = None
    """SQLAlchemy URL; None = an SQLite file in the data folder."""
    data_dir: Path = Field(default_factory=default_data_dir, validation_alias="RECLEAK_DATA_DIR")
    """RECLEAK_DATA_DIR: folder of the datasets; by default our cache, which `recleak data fetch` fills."""
    engine: Annotated[str, AfterValidator(check_engine)] = Field(
        default="process", validation_alias="RECLEAK_ENGINE"
    )
    """RECLEAK_ENGINE: inline, process, or the address of a Dask scheduler; its workers share our folders."""
    admin_key: Key | None = None
    """Key of the admin routes; None = there are none."""
    oracle_key: Key | None = None
    """Key of the oracle; None = there is none."""
    api_key: Key | None = None
    """Key of the public routes; None = open to all."""
    rate_limit: float = Field(default=0, ge=0)
    """Requests a second that one client may send to the public routes; 0 = any number."""
    workers: int = Field(default=1, ge=1, le=64)
    """Trainings at a time, each in a process of its own."""
    show_profiles: bool = True
    """Show who the users are and what they interacted with, as many public services do."""
    measure_quality: bool = True
    """Measure HR@k of each deployment in the background."""
    flush_interval_s: float = Field(default=1.0, gt=0, le=60)
    """Query counts are stored this often; a killed service loses no more."""
    log_level: LogLevel = LogLevel.INFO
    """DEBUG, INFO, WARNING or ERROR."""
    log_format: LogFormat = LogFormat.PLAIN
    """plain or json."""
    deploy: DeploymentSpec | None = None
    """JSON of a deployment that is trained at start if there is none yet."""

    @property
    def url(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{(self.data / 'target.db').resolve()}"

    @property
    def models(self) -> Path:
        """Folder of the trained recommenders."""
        return self.data / "models"

    @property
    def artifacts(self) -> Path:
        """Folder of the artefact store; workers elsewhere are told of it."""
        return (self.data / "artifacts").resolve()


def read_settings() -> TargetSettings:
    """Read the environment. Raises BadInput naming each variable that cannot be used, never its value."""
    try:
        return TargetSettings()
    except SettingsError as error:
        raise BadInput(f"{error}; it must be JSON") from error
    except ValidationError as error:
        parts = [f"{_variable(part['loc'])}: {part['msg']}" for part in error.errors(include_input=False)]
        raise BadInput("; ".join(parts)) from error


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Name the RECLEAK_TARGET_ variables that mean nothing: most likely typing errors.

    They are reported and not refused: Kubernetes sets such variables for a service of this name.
    """
    known = {PREFIX + name.upper() for name in TargetSettings.model_fields if name not in _SHARED}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0])
    first = name if name.startswith("RECLEAK_") else PREFIX + name.upper()
    return ".".join([first, *map(str, location[1:])])
