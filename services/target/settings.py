"""The settings of the target service."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.contract.target import DeploymentSpec
from shared.web.settings import Key, ServiceSettings


class TargetSettings(ServiceSettings):
    """Each field is the environment variable RECLEAK_TARGET_<FIELD>, in capitals."""

    model_config = SettingsConfigDict(env_prefix="RECLEAK_TARGET_")
    database_file: ClassVar[str] = "target.db"

    port: int = Field(default=8001, ge=0, le=65535)
    """Port to listen at; 0 = any free one."""
    data: Path = Path(".recleak/target")
    """Folder of the database and of the trained lists."""
    admin_key: Key | None = None
    """Key of the admin routes; None = there are none."""
    oracle_key: Key | None = None
    """Key of the oracle; None = there is none."""
    rate_limit: float = Field(default=0, ge=0)
    """Requests a second that one client may send to the public routes; 0 = any number."""
    show_profiles: bool = True
    """Show who the users are and what they interacted with, as many public services do."""
    measure_quality: bool = True
    """Measure HR@k of each deployment in the background."""
    flush_interval_s: float = Field(default=1.0, gt=0, le=60)
    """Query counts are stored this often; a killed service loses no more."""
    deploy: DeploymentSpec | None = None
    """JSON of a deployment that is trained at start if there is none yet."""

    @property
    def models(self) -> Path:
        """Folder of the trained recommenders."""
        return self.data / "models"
