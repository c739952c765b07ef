"""Keys of others' services: specs name environment variables, and only here are they read."""

from collections.abc import Iterable, Mapping

from services.attacker.settings import AttackerSettings
from shared.errors import BadInput


class KeyVariables:
    """The environment, as far as specs may name it.

    A spec may not name a setting of this service: whoever may submit an attack chooses where a key is sent,
    and would receive the service's own.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def check(self, name: str | None) -> None:
        """Raise BadInput, saying which variable to set, unless the key can be read; None = none is wanted."""
        self.read(name)

    def known(self, names: Iterable[str | None]) -> list[str]:
        """Give the values that no message may hold; variables that are not set have none."""
        values = (self._environment.get(name, "").strip() for name in names if name is not None)
        return [value for value in values if value]

    def read(self, name: str | None) -> str | None:
        """Give a key; None if none is named.

        Raises BadInput if the variable is not set or empty, or holds what cannot be sent as a header.
        """
        if name is None:
            return None
        if name.startswith(AttackerSettings.prefix()):
            raise BadInput(
                f"{name} is a setting of the attacker service itself and is not sent to anybody; put the key "
                f"into another variable that begins with RECLEAK_ and name that"
            )
        key = self._environment.get(name, "").strip()
        if not key:
            raise BadInput(
                f"the environment variable {name} is not set at the attacker service; set it to the key and "
                f"start the service again, or name another variable"
            )
        if not (key.isascii() and key.isprintable()):
            raise BadInput(f"the environment variable {name} holds what no key looks like; set it again")
        return key
