"""A variable that compose or the documentation names is one that a program reads."""

import re
from pathlib import Path

import pytest
import yaml

from services.attacker.settings import AttackerSettings
from services.target.settings import TargetSettings
from tests.guards.source_tree import PRODUCT, ROOT, text_files

A_VARIABLE = re.compile(r"\bRECLEAK_[A-Z0-9_]*[A-Z0-9]\b")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SETTINGS = {"target": TargetSettings, "attacker": AttackerSettings}


def _known() -> set[str]:
    fields = {
        str(field.validation_alias or settings.model_config["env_prefix"] + name).upper()
        for settings in SETTINGS.values()
        for name, field in settings.model_fields.items()
    }
    read_by_name = {
        variable
        for name, text in text_files()
        if name.endswith(".py") and name.startswith((*PRODUCT, "tests/conftest"))
        for variable in re.findall(r"""["'](RECLEAK_[A-Z0-9_]+)["']""", text)
    }
    return fields | read_by_name


def test_every_variable_that_is_written_about_is_read_somewhere() -> None:
    known = _known()

    unknown = {
        f"{name}: {variable}"
        for name, text in text_files()
        if Path(name).suffix in {".md", ".yml", ".yaml", ".toml"}
        or name in {"Dockerfile", "Makefile", ".ci/run"}
        for variable in A_VARIABLE.findall(text)
        if variable not in known
    }
    assert unknown == set()


@pytest.mark.parametrize("service", SETTINGS)
def test_compose_gives_each_service_settings_that_it_accepts(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = COMPOSE["services"][service]["environment"]
    for name, value in environment.items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value))

    settings = SETTINGS[service]()

    assert settings.data == Path(f"/var/lib/recleak/{service}")
    unknown = [name for name in environment if name.startswith("RECLEAK_") and name not in _known()]
    assert unknown == []


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_compose_gives_no_service_more_than_it_needs(service: str) -> None:
    """Ports are for this machine only, since the keys of the demonstration are public."""
    described = COMPOSE["services"][service]

    assert described["read_only"] is True
    assert described["cap_drop"] == ["ALL"]
    assert described["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in described.get("ports", []))


def test_the_image_runs_as_nobody_in_particular() -> None:
    users = re.findall(r"^USER (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert users == ["recleak"]
