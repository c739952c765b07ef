"""Which public data a spec names, and whether it can be had."""

from pathlib import Path

from services.attacker.stages import Worlds
from services.attacker.worlds import PublicData
from shared.contract.attacker import AttackSpec, DatasetUsers
from shared.datasets import registry
from shared.datasets.catalog import SYNTHETIC, find
from shared.datasets.synthetic import parse_name
from shared.errors import BadInput, NotFound


def worlds_of(spec: AttackSpec, data_dir: Path | None) -> Worlds:
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


def dataset_name(name: str, data_dir: Path | None) -> str:
    """Check that a dataset can be had, without reading it, and give the name to load it by.

    A file of one's own is named by its path within the data folder; nothing outside is ever opened.
    Raises NotFound for an unknown name or a missing file; BadInput for unfit settings or another path.
    """
    if registry.is_path(name):
        return str(_inside(name, data_dir))
    dataset = find(name)
    if dataset is SYNTHETIC:
        parse_name(name)
    elif registry.locate(dataset, data_dir) is None:
        where = f"not in {data_dir}" if data_dir else "nowhere to be found, RECLEAK_DATA_DIR is not set"
        raise NotFound(f"the dataset {dataset.name} is {where}; fetch it: recleak data fetch {dataset.name}")
    return name


def _inside(name: str, data_dir: Path | None) -> Path:
    if data_dir is None:
        raise BadInput("a dataset that is a file needs a data folder to lie in; set RECLEAK_DATA_DIR")
    path = (data_dir / name).resolve()
    if not path.is_relative_to(data_dir.resolve()):
        raise BadInput("a dataset that is a file must lie in the data folder; give its path within it")
    if not path.is_file():
        raise NotFound(f"the data folder has no file {name}")
    return path
