"""Specs from files and flags: read, merged, checked; every mistake is one sentence."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from shared.errors import BadInput, RecLeakError

Model = TypeVar("Model", bound=BaseModel)
_SHOWN = 3


def read_spec(path: Path) -> dict[str, Any]:
    """Read a spec file: .toml, .yaml, .yml or .json. Raises BadInput if it is of no use."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadInput(f"{path} cannot be read: {reason}") from error
    found = _parsed(path, text)
    if not isinstance(found, dict):
        raise BadInput(f"{path} must hold a mapping of settings, found {type(found).__name__}")
    return found


def merged(spec: Mapping[str, Any], flags: Mapping[str, object]) -> dict[str, Any]:
    """Put flags into a spec; they win.

    flags  by the place of the setting, such as "users.dataset"; None = not given
    Raises BadInput where the spec has a value in whose place a mapping is needed.
    """
    result: dict[str, Any] = dict(spec)
    for place, value in flags.items():
        if value is not None:
            _put(result, place.split("."), value)
    return result


def checked(model: type[Model], spec: Mapping[str, Any], *, origin: str) -> Model:
    """Make a model of a spec. Raises BadInput naming each part that is no good, in one line."""
    try:
        return model.model_validate(spec)
    except ValidationError as error:
        parts = [_said(part["loc"], part["msg"]) for part in error.errors(include_url=False)]
        more = f"; and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
        raise BadInput(f"{origin}: {'; '.join(parts[:_SHOWN])}{more}") from error
    except RecLeakError as error:
        raise BadInput(f"{origin}: {error}") from error


def settings_of(pairs: Sequence[str]) -> dict[str, Any]:
    """Read `place=value` pairs, each value as in YAML. Raises BadInput on what is none."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise BadInput(f"a setting is given as place=value, such as seed=3, found {pair!r}")
        try:
            found[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise BadInput(f"the value of {pair!r} cannot be read; put it in quotes") from error
    return found


def _parsed(path: Path, text: str) -> object:
    kind = path.suffix.lower()
    try:
        if kind == ".toml":
            return tomllib.loads(text)
        if kind in (".yaml", ".yml", ".json"):  # JSON is YAML
            return yaml.safe_load(text)
    except (tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    raise BadInput(f"{path} has none of the endings of a spec: .yaml, .yml, .toml, .json")


def _put(spec: dict[str, Any], place: Sequence[str], value: object) -> None:
    first, *rest = place
    if not rest:
        spec[first] = value
        return
    inner = spec.get(first)
    if inner is not None and not isinstance(inner, dict):
        raise BadInput(f"{first} must be a mapping of settings, found {inner!r}")
    spec[first] = dict(inner or {})
    _put(spec[first], rest, value)


def _said(location: tuple[int | str, ...], message: str) -> str:
    where = ".".join(map(str, location))
    what = message.removeprefix("Value error, ")
    if what == "Extra inputs are not permitted":
        what = "there is no such setting"
    return f"{where}: {what}" if where else what
