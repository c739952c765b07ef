"""Which public data a spec names, and whether it can be had."""

from pathlib import Path

from services.attacker.running.stages import Worlds
from services.attacker.worlds import PublicData
from shared.contract.attacker import AttackSpec, DatasetUsers
from shared.datasets.naming import dataset_name


def worlds_of(spec: AttackSpec, data_dir: Path) -> Worlds:
    """Find the public data of an attack, without reading it.

    Raises NotFound for an unknown dataset or a missing file; BadInput for unfit settings of a synthetic one
    or a file outside the data folder.
    """

    def public(name: str) -> PublicData:
        return PublicData(dataset_name(name, data_dir), spec.split, data_dir)

    users = spec.users if isinstance(spec.users, DatasetUsers) else None
    described = spec.item_features or (users.dataset if users else spec.shadow.dataset)
    return Worlds(
        judged=public(users.dataset) if users else None,
        limit=users.limit if users else None,
        seed=spec.seed,
        shadow=public(spec.shadow.dataset),
        items=public(described),
    )
