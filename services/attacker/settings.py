"""The settings of the attacker service."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.web.settings import ServiceSettings


class AttackerSettings(ServiceSettings):
    """Each field is the environment variable RECLEAK_ATTACKER_<FIELD>, in capitals."""

    model_config = SettingsConfigDict(env_prefix="RECLEAK_ATTACKER_")
    database_file: ClassVar[str] = "attacker.db"

    port: int = Field(default=8002, ge=0, le=65535)
    """Port to listen at; 0 = any free one."""
    data: Path = Path(".recleak/attacker")
    """Folder of the database and of everything that attacks store."""
    concurrent_attacks: int = Field(default=4, ge=1, le=256)
    """Attacks under way at a time; further ones wait."""

    @property
    def experiments(self) -> Path:
        """Folder of the runs of experiments and of their artefacts."""
        return self.data / "experiments"
