"""Datasets from their official places, checked before anything reads them."""

import json
import shutil
import zipfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

import pooch

from shared.datasets.catalog import Source, find
from shared.datasets.resumable import ResumableDownloader
from shared.errors import BadInput, StorageFailed
from shared.progress import SILENT, Progress

_RECORD = "checksum.json"


class Trust(StrEnum):
    """What the checksum of a download was compared with."""

    PUBLISHED = "published"  # the checksum in the catalog
    RECORDED = "recorded"  # the checksum of the first download here
    FIRST_USE = "first-use"  # nothing: this is the first download, its checksum is recorded


@dataclass(frozen=True)
class Fetched:
    """A dataset that has arrived.

    path    the file to read
    sha256  of what was downloaded
    trust   what that was compared with
    note    one sentence for whoever asked
    """

    path: Path
    sha256: str
    trust: Trust
    note: str


def fetch(name: str, *, data_dir: Path, progress: Progress = SILENT) -> Fetched:
    """Download a known dataset into the folder of its name; what is there and sound is not downloaded again.

    Raises NotFound for an unknown name, BadInput for a dataset that is generated, and as `fetch_source`.
    """
    dataset = find(name)
    if dataset.source is None:
        raise BadInput(f"{dataset.name} is generated where it is used; there is nothing to fetch")
    return fetch_source(dataset.source, folder=data_dir / dataset.name, progress=progress)


def fetch_source(source: Source, *, folder: Path, progress: Progress = SILENT) -> Fetched:
    """Download a file, compare its checksum, and take the wanted member out of an archive.

    A download that broke off is continued. Where no checksum is published, the first download's is recorded
    beside the file and compared with from then on.
    Raises StorageFailed if the place cannot be reached, if the checksum differs (the file is removed), or if
    the archive or the record is damaged; JobStopped if asked to stop.
    """
    recorded = None if source.sha256 else _recorded(folder / _RECORD)
    expected = source.sha256 or recorded
    archive = _downloaded(source, folder, expected, progress)
    sha256 = pooch.file_hash(str(archive))
    if source.sha256:
        trust, note = Trust.PUBLISHED, "has the published checksum"
    elif recorded:
        trust, note = Trust.RECORDED, "has the checksum of the first download"
    else:
        _record(folder / _RECORD, source, sha256)
        trust, note = Trust.FIRST_USE, "has no published checksum; this first one is trusted and recorded"
    path = _member(archive, source.member) if source.member else archive
    progress.step(1.0, f"fetched {path.name}")
    return Fetched(path, sha256, trust, f"{source.file_name} {note} (sha256 {sha256})")


def _downloaded(source: Source, folder: Path, expected: str | None, progress: Progress) -> Path:
    pooch.get_logger().setLevel("WARNING")
    part = folder / f"{source.file_name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept = pooch.retrieve(
            source.url,
            known_hash=f"sha256:{expected}" if expected else None,
            fname=source.file_name,
            path=folder,
            downloader=ResumableDownloader(part, progress),
        )
    except ValueError as error:  # what pooch raises where the checksum differs, the file being removed
        raise StorageFailed(_differs(source, folder, str(expected))) from error
    except OSError as error:
        raise StorageFailed(f"{folder} cannot be written: {error.strerror}") from error
    return Path(kept)


def _differs(source: Source, folder: Path, expected: str) -> str:
    kind = "published checksum" if source.sha256 else "checksum of the first download"
    remedy = "" if source.sha256 else f", or delete {folder / _RECORD} if you trust what is there now"
    return (
        f"{source.file_name} from {source.url} does not have the {kind} (sha256 {expected}) and was removed; "
        f"fetch it again{remedy}"
    )


def _recorded(path: Path) -> str | None:
    if not path.exists():
        return None
    try:
        return str(json.loads(path.read_text())["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageFailed(f"{path} is damaged; delete it and fetch again") from error


def _record(path: Path, source: Source, sha256: str) -> None:
    try:
        path.write_text(json.dumps({"url": source.url, "sha256": sha256}, indent=2) + "\n")
    except OSError as error:
        raise StorageFailed(f"{path} cannot be written: {error.strerror}") from error


def _member(archive: Path, wanted: str) -> Path:
    """Take one file out of a zip archive, in one step, whatever folder it lies in there."""
    path = archive.parent / wanted
    unfinished = path.with_name(f"{wanted}.unpacking")
    try:
        with zipfile.ZipFile(archive) as packed:
            names = [name for name in packed.namelist() if PurePosixPath(name).name == wanted]
            if not names:
                raise StorageFailed(f"{archive.name} has no {wanted} in it; look at it by hand")
            with packed.open(names[0]) as content, unfinished.open("wb") as file:
                shutil.copyfileobj(content, file)
        unfinished.replace(path)
    except zipfile.BadZipFile as error:
        raise StorageFailed(f"{archive.name} is no sound zip archive; delete it and fetch again") from error
    except OSError as error:
        raise StorageFailed(f"{path} cannot be written: {error.strerror}") from error
    return path
