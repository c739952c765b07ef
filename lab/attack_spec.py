"""An attack's spec out of a file and options."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.specs import checked, merged, read_spec, settings_of
from shared.contract.attacker import AttackSpec


def spec_of(
    spec_file: Path | None,
    flags: Mapping[str, object],
    settings: Sequence[str],
    *,
    is_evaluated: bool | None,
    default_target: str,
) -> AttackSpec:
    """Put a spec together; flags win over the file, settings over both.

    flags         by the place of the setting; None = not given
    settings      further ones, as place=value
    is_evaluated  None = as the file says, and yes without a file
    Raises BadInput, in one line, if the whole is not a spec.
    """
    by_default: dict[str, Any] = {"target": {"url": default_target}}
    content = merged(by_default if spec_file is None else read_spec(spec_file), flags)
    content = merged(content, settings_of(settings))
    users = content.get("users")
    if isinstance(users, dict) and "source" not in users:
        content["users"] = {"source": "dataset", **users}
    if is_evaluated is False:
        content["evaluate"] = None
    elif is_evaluated or spec_file is None:
        content["evaluate"] = content.get("evaluate") or {}
    return checked(AttackSpec, content, origin=str(spec_file or "the attack"))
