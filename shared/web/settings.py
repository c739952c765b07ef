"""What both services are told by their environment; read once, frozen, passed down."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from shared.datasets.places import default_data_dir
from shared.engine import check_engine
from shared.errors import BadInput
from shared.parallel import n_threads
from shared.web.logging import LogFormat, LogLevel

Key = Annotated[SecretStr, Field(min_length=8)]

_OF_BOTH = {"data_dir", "engine"}  # variables with a name of their own, without the service's prefix


class ServiceSettings(BaseSettings):
    """Each field is an environment variable: the service's prefix, then the field in capitals.

    A service gives its `env_prefix`, the defaults of `port` and `data`, and the name of its database file.
    """

    model_config = SettingsConfigDict(
        frozen=True, populate_by_name=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )
    database_file: ClassVar[str]

    host: str = "127.0.0.1"
    """Address to listen at."""
    port: int = Field(ge=0, le=65535)
    """Port to listen at; 0 = any free one."""
    data: Path
    """Folder of the database and of everything that the service stores."""
    database_url: str | None = None
    """SQLAlchemy URL; None = an SQLite file in the data folder."""
    data_dir: Path = Field(default_factory=default_data_dir, validation_alias="RECLEAK_DATA_DIR")
    """RECLEAK_DATA_DIR: folder of the datasets; by default our cache, which `recleak data fetch` fills."""
    engine: Annotated[str, AfterValidator(check_engine)] = Field(
        default="process", validation_alias="RECLEAK_ENGINE"
    )
    """RECLEAK_ENGINE: inline, process, threads, or a Dask scheduler's address; workers share our folders."""
    api_key: Key | None = None
    """Key of the API; None = open to all who reach it."""
    workers: int = Field(default=1, ge=1, le=64)
    """Trainings and stages that compute at a time, each in a process or thread of its own."""
    log_level: LogLevel = LogLevel.INFO
    """DEBUG, INFO, WARNING or ERROR."""
    log_format: LogFormat = LogFormat.PLAIN
    """plain or json."""

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
        return self.database_url or f"sqlite:///{(self.data / self.database_file).resolve()}"

    @property
    def artifacts(self) -> Path:
        """Folder of the artefact store; workers elsewhere are told of it."""
        return (self.data / "artifacts").resolve()

    @classmethod
    def read(cls) -> Self:
        """Read the environment. Raises BadInput naming each variable that cannot be used, never its value.

        RECLEAK_THREADS, which each computation reads for itself, is looked at too, before anything starts.
        """
        n_threads()
        try:
            return cls()
        except SettingsError as error:
            raise BadInput(f"{error}; it must be JSON") from error
        except ValidationError as error:
            found = error.errors(include_input=False)
            raise BadInput(
                "; ".join(f"{cls._variable(one['loc'])}: {one['msg']}" for one in found)
            ) from error

    @classmethod
    def unknown_variables(cls, environment: Mapping[str, str] = os.environ) -> list[str]:
        """Name the variables with the service's prefix that mean nothing: most likely typing errors.

        They are reported and not refused: Kubernetes sets such variables for a service of this name.
        """
        prefix = cls.prefix()
        known = {prefix + name.upper() for name in cls.model_fields if name not in _OF_BOTH}
        return sorted(name for name in environment if name.startswith(prefix) and name not in known)

    @classmethod
    def prefix(cls) -> str:
        """Say with what the names of the service's variables begin."""
        return str(cls.model_config["env_prefix"])

    @classmethod
    def _variable(cls, location: tuple[int | str, ...]) -> str:
        name = str(location[0])
        first = name if name.startswith("RECLEAK_") else cls.prefix() + name.upper()
        return ".".join([first, *map(str, location[1:])])
