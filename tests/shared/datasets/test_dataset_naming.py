"""Strangers name datasets of a service: known ones, generated ones, and files of the data folder."""

from pathlib import Path

import pytest

from lab import folders
from services.attacker.settings import AttackerSettings
from services.target.settings import TargetSettings
from shared.datasets.catalog import ML_1M
from shared.datasets.naming import dataset_name
from shared.datasets.places import default_data_dir
from shared.errors import BadInput, NotFound


def test_what_can_be_had_is_named_as_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "ml-1m").mkdir()
    (tmp_path / "ml-1m" / ML_1M.files[0][0]).touch()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "w.csv").touch()

    assert dataset_name("ml-1m", tmp_path) == "ml-1m"
    assert dataset_name("synthetic:users=30", tmp_path) == "synthetic:users=30"
    assert dataset_name("own/w.csv", tmp_path) == str(tmp_path / "own" / "w.csv")


@pytest.mark.parametrize("name", ["/etc/passwd.csv", "../outside.csv", "own/../../outside.csv", "link/x.csv"])
def test_nothing_outside_the_data_folder_can_be_named(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "data"
    inside.mkdir()
    (tmp_path / "outside.csv").touch()
    (tmp_path / "x.csv").touch()
    (inside / "link").symlink_to(tmp_path)

    with pytest.raises(BadInput, match="must lie in the data folder"):
        dataset_name(name, inside)


def test_what_is_not_there_is_not_found_with_the_way_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=f"recleak data fetch ml-1m --data-dir {tmp_path}"):
        dataset_name("ml-1m", tmp_path)
    with pytest.raises(NotFound, match=r"no file gone.csv"):
        dataset_name("gone.csv", tmp_path)
    with pytest.raises(NotFound, match="choose from"):
        dataset_name("netflix", tmp_path)
    with pytest.raises(BadInput):
        dataset_name("synthetic:user=30", tmp_path)


def test_the_command_line_and_both_services_look_in_the_same_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    expected = tmp_path / "recleak" / "datasets"

    assert default_data_dir() == folders.data_dir(None) == expected
    assert AttackerSettings().data_dir == TargetSettings().data_dir == expected
    assert default_data_dir({}) == Path.home() / ".cache" / "recleak" / "datasets"
