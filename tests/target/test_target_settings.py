"""Settings come from the environment, once, and a mistake is a sentence."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.target.settings import TargetSettings
from shared.errors import BadInput


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECLEAK_TARGET_PORT", "9000")
    monkeypatch.setenv("RECLEAK_TARGET_DATA", "there")
    monkeypatch.setenv("RECLEAK_DATA_DIR", "datasets")
    monkeypatch.setenv("RECLEAK_TARGET_ADMIN_KEY", "a-long-key")
    monkeypatch.setenv("RECLEAK_TARGET_DEPLOY", '{"dataset": "synthetic", "k_cap": 50}')
    found = TargetSettings.read()

    assert (found.port, found.data, found.data_dir) == (9000, Path("there"), Path("datasets"))
    assert found.deploy is not None and found.deploy.k_cap == 50
    assert found.url == f"sqlite:///{Path('there/target.db').resolve()}"
    assert "a-long-key" not in repr(found)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        TargetSettings().port = 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RECLEAK_TARGET_PORT", "secret-text"),
        ("RECLEAK_TARGET_DEPLOY", "{secret-text"),
        ("RECLEAK_TARGET_DEPLOY", '{"magic": "secret-text"}'),
        ("RECLEAK_TARGET_ADMIN_KEY", "secret"),
        ("RECLEAK_TARGET_RATE_LIMIT", "-1"),
        ("RECLEAK_TARGET_LOG_LEVEL", "secret-text"),
    ],
)
def test_a_mistake_names_the_variable_and_not_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(BadInput) as raised:
        TargetSettings.read()

    assert name.removeprefix("RECLEAK_TARGET_").lower() in str(raised.value).lower()
    assert "secret" not in str(raised.value)


def test_misspelled_variables_are_named() -> None:
    environment = {
        "RECLEAK_TARGET_ADMINKEY": "x",
        "RECLEAK_TARGET_PORT": "1",
        "RECLEAK_DATA_DIR": "d",
        "HOME": "/",
    }

    assert TargetSettings.unknown_variables(environment) == ["RECLEAK_TARGET_ADMINKEY"]
