"""The settings of the attacker service: read once from the environment, frozen, passed down."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from shared.datasets.places import default_data_dir
from shared.engine import check_engine
from shared.errors import BadInput
from shared.web.logging import LogFormat, LogLevel

PREFIX = "RECLEAK_ATTACKER_"
_SHARED = {"data_dir", "engine"}  # of both services, with names of their own

Key = Annotated[SecretStr, Field(min_length=8)]


class AttackerSettings(BaseSettings):
    """Each field is the environment variable RECLEAK_ATTACKER_<FIELD>, in capitals."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    host: str = "127.0.0.1"
    """Address to listen at."""
    port: int = Field(default=8002, ge=0, le=65535)
    """Port to listen at; 0 = any free one."""
    data: Path = Path(".recleak/attacker")
    """Folder of the database and of everything that attacks store."""
    database_url: str | None = None
    """SQLAlchemy URL; None = an SQLite file in the data folder."""
    data_dir: Path = Field(default_factory=default_data_dir, validation_alias="RECLEAK_DATA_DIR")
    """RECLEAK_DATA_DIR: folder of the datasets; by default our cache, which `recleak data fetch` fills."""
    engine: Annotated[str, AfterValidator(check_engine)] = Field(
        default="process", validation_alias="RECLEAK_ENGINE"
    )
    """RECLEAK_ENGINE: inline, process, or the address of a Dask scheduler; its workers share our folders."""
    api_key: Key | None = None
    """Key of the API; None = open to all who reach it."""
    workers: int = Field(default=1, ge=1, le=64)
    """Stages that compute at a time, each in a process of its own."""
    concurrent_attacks: int = Field(default=4, ge=1, le=256)
    """Attacks under way at a time; further ones wait."""
    log_level: LogLevel = LogLevel.INFO
    """How much is logged."""
    log_format: LogFormat = LogFormat.PLAIN
    """Plain lines or JSON."""

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("log_format", mode="before")
    @classmethod
    def _in_small_letters(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @property
    def url(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{(self.data / 'attacker.db').resolve()}"

    @property
    def artifacts(self) -> Path:
        """Folder of the artefact store; workers elsewhere are told of it."""
        return (self.data / "artifacts").resolve()

    @property
    def experiments(self) -> Path:
        """Folder of the runs of experiments and of their artefacts."""
        return self.data / "experiments"


def read_settings() -> AttackerSettings:
    """Read the environment. Raises BadInput naming each variable that cannot be used, never its value."""
    try:
        return AttackerSettings()
    except SettingsError as error:
        raise BadInput(f"{error}; it must be JSON") from error
    except ValidationError as error:
        parts = [f"{_variable(part['loc'])}: {part['msg']}" for part in error.errors(include_input=False)]
        raise BadInput("; ".join(parts)) from error


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Name the RECLEAK_ATTACKER_ variables that mean nothing: most likely typing errors.

    They are reported and not refused: Kubernetes sets such variables for a service of this name.
    """
    known = {PREFIX + name.upper() for name in AttackerSettings.model_fields if name not in _SHARED}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0])
    first = name if name.startswith("RECLEAK_") else PREFIX + name.upper()
    return ".".join([first, *map(str, location[1:])])
