"""What a stranger may name as a dataset of a service."""

from pathlib import Path

from shared.datasets import registry
from shared.datasets.catalog import SYNTHETIC, find
from shared.datasets.synthetic import parse_name
from shared.errors import BadInput, NotFound


def dataset_name(name: str, data_dir: Path) -> str:
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
        raise NotFound(
            f"the dataset {dataset.name} is not in the data folder, {data_dir}; fetch it: "
            f"recleak data fetch {dataset.name} --data-dir {data_dir}"
        )
    return name


def _inside(name: str, data_dir: Path) -> Path:
    path = (data_dir / name).resolve()
    if not path.is_relative_to(data_dir.resolve()):
        raise BadInput("a dataset that is a file must lie in the data folder; give its path within it")
    if not path.is_file():
        raise NotFound(f"the data folder has no file {name}")
    return path
