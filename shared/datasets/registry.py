"""Datasets by name: read from a folder, generated, or read from a file of the caller's own."""

from pathlib import Path

from shared.datasets import synthetic
from shared.datasets.catalog import SYNTHETIC, Dataset, find
from shared.datasets.figures import Figures, figures_of
from shared.datasets.readers import Format, ReadReport, read
from shared.errors import NotFound
from shared.interactions import Interactions
from shared.progress import SILENT, Progress

_FILE_ENDINGS = (".csv", ".tsv", ".dat", ".gz")


def is_path(name: str) -> bool:
    """Tell whether a dataset name is the path of a file; a service must not open one for a stranger."""
    if name.startswith(f"{SYNTHETIC.name}:"):
        return False
    return "/" in name or "\\" in name or name.endswith(_FILE_ENDINGS)


def load(
    name: str, *, data_dir: Path | None, progress: Progress = SILENT
) -> tuple[Interactions, ReadReport | None]:
    """Give the interactions of a dataset, and the report of the reading; None for a generated one.

    name      a known name or alias, `synthetic:key=value,...`, or the path of a file
    data_dir  where known datasets lie, each in the folder of its name; None if there is no such place
    Raises NotFound for an unknown name, saying which are known, and for a dataset whose file is not there,
    saying where to put it; BadInput for a file or a setting that is no good; JobStopped if asked to stop.
    """
    progress.step(0.0, f"reading {name}")
    if is_path(name):
        return read(Path(name), Format.CSV)
    dataset = find(name)
    if dataset is SYNTHETIC:
        spec, seed = synthetic.parse_name(name)
        return synthetic.generate(spec, seed=seed, progress=progress), None
    path, file_format = _file_of(dataset, data_dir)
    found = read(path, file_format)
    progress.step(1.0, f"read {name}")
    return found


def locate(dataset: Dataset, data_dir: Path | None) -> tuple[Path, Format] | None:
    """Find the file of a dataset and its format; None if it is not there."""
    if data_dir is None:
        return None
    for folder in (dataset.name, *dataset.aliases):
        for file_name, file_format in dataset.files:
            path = data_dir / folder / file_name
            if path.is_file():
                return path, file_format
    return None


def info(name: str, *, data_dir: Path | None, progress: Progress = SILENT) -> Figures:
    """Measure a dataset. Raises as `load`."""
    interactions, _ = load(name, data_dir=data_dir, progress=progress)
    return figures_of(interactions)


def _file_of(dataset: Dataset, data_dir: Path | None) -> tuple[Path, Format]:
    found = locate(dataset, data_dir)
    if found is not None:
        return found
    names = " or ".join(file_name for file_name, _ in dataset.files)
    if data_dir is None:
        raise NotFound(
            f"no data folder is set, so {dataset.name} cannot be found; set RECLEAK_DATA_DIR to a folder "
            f"with {dataset.name}/ in it, holding {names}"
        )
    raise NotFound(
        f"{dataset.name} is not in {data_dir / dataset.name}; fetch it, or put {names} there "
        f"(the official place is {dataset.url})"
    )
