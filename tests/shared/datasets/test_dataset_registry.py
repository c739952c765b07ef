"""Datasets are found by name, by alias, or by the path of a file; what is missing says where it belongs."""

import gzip

import pytest

from shared.datasets.catalog import DATASETS, find
from shared.datasets.registry import info, is_path, load, locate
from shared.errors import BadInput, JobStopped, NotFound
from shared.progress import Progress

PLACES = [
    ("ml-1m", "ratings.dat", "1::2::3::4\n1::3::3::4\n"),
    ("ml-1m", "interactions.csv.gz", "user,item\n1,2\n1,3\n"),
    ("lastfm-2k", "user_artists.dat", "userID\tartistID\tweight\n1\t2\t30\n1\t3\t1\n"),
    ("adm", "ratings_Digital_Music.csv", "1,2,5.0,4\n1,3,5.0,4\n"),
    ("adm", "interactions.csv.gz", "1,2\n1,3\n"),
]


@pytest.mark.parametrize(("name", "file_name", "text"), PLACES)
def test_a_known_dataset_is_read_from_its_folder(tmp_path, name, file_name, text):
    (tmp_path / name).mkdir()
    content = text.encode()
    (tmp_path / name / file_name).write_bytes(gzip.compress(content) if file_name.endswith("gz") else content)

    interactions, report = load(name, data_dir=tmp_path)

    assert interactions.user_ids.names == ("1",)
    assert interactions.item_ids.names == ("2", "3")
    assert report.path == tmp_path / name / file_name
    assert (report.n_rows, report.n_bad) == (2, 0)


def test_the_official_file_comes_before_a_generic_one(tmp_path):
    (tmp_path / "ml-1m").mkdir()
    (tmp_path / "ml-1m" / "ratings.dat").write_text("1::2::3::4\n")
    (tmp_path / "ml-1m" / "interactions.csv").write_text("9,9\n")

    _, report = load("ml-1m", data_dir=tmp_path)

    assert report.path.name == "ratings.dat"


@pytest.mark.parametrize("folder", ["lastfm-2k", "lf-2k"])
def test_an_alias_is_a_name_and_a_folder(tmp_path, folder):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "user_artists.dat").write_text("1\t2\t30\n")

    assert load("lf-2k", data_dir=tmp_path)[0].n_interactions == 1
    assert load("lastfm-2k", data_dir=tmp_path)[0].n_interactions == 1
    assert locate(find("lf-2k"), tmp_path)[0] == tmp_path / folder / "user_artists.dat"


@pytest.mark.parametrize("file_name", ["mine.csv", "mine.tsv", "mine.dat", "mine.csv.gz", "mine"])
def test_a_path_is_a_dataset(tmp_path, file_name):
    text = b"a\tb\n" if ".tsv" in file_name else b"a,b\n"
    (tmp_path / file_name).write_bytes(gzip.compress(text) if file_name.endswith("gz") else text)

    interactions, report = load(str(tmp_path / file_name), data_dir=None)

    assert interactions.item_ids.names == ("b",)
    assert report.n_rows == 1


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.dat", "a.csv.gz", "./a", "/tmp/a", "a\\b"])
def test_paths_are_told_from_names(name):
    assert is_path(name)
    assert not any(is_path(dataset.name) for dataset in DATASETS)
    assert not is_path("synthetic:users=10")


def test_a_synthetic_dataset_needs_no_folder():
    interactions, report = load("synthetic:users=30,items=100,history=12,seed=3", data_dir=None)

    assert (interactions.n_users, interactions.n_items) == (30, 100)
    assert report is None


def test_a_wrong_setting_is_bad_input():
    with pytest.raises(BadInput, match="no setting 'user'"):
        load("synthetic:user=30", data_dir=None)


@pytest.mark.parametrize("name", ["netflix", "ml-1m:seed=3", "ML-1M", ""])
def test_an_unknown_name_is_not_found_and_the_known_ones_are_listed(tmp_path, name):
    with pytest.raises(NotFound, match="choose from adm, lastfm-2k or lf-2k, ml-1m, synthetic"):
        load(name, data_dir=tmp_path)


def test_a_known_dataset_that_is_not_there_says_where_it_belongs(tmp_path):
    with pytest.raises(NotFound, match=r"fetch it, or put ratings.dat or .* there .*grouplens.org"):
        load("ml-1m", data_dir=tmp_path)


def test_without_a_folder_the_error_says_how_to_set_one():
    with pytest.raises(NotFound, match="set RECLEAK_DATA_DIR"):
        load("adm", data_dir=None)
    assert locate(find("adm"), None) is None


def test_a_path_that_leads_nowhere_is_not_found(tmp_path):
    with pytest.raises(NotFound, match=r"no file gone.csv"):
        load(str(tmp_path / "gone.csv"), data_dir=None)


def test_loading_stops_when_asked():
    with pytest.raises(JobStopped, match="reading synthetic"):
        load("synthetic", data_dir=None, progress=Progress(should_stop=lambda: True))


def test_figures_of_a_world_worked_by_hand(tmp_path):
    """Histories 3, 2, 1; counts 3, 2, 1: the Gini coefficient is (2*(1+4+9) - 4*6) / (3*6) = 2/9."""
    (tmp_path / "w.csv").write_text("a,x\na,y\na,z\nb,x\nb,y\nc,x\n")

    figures = info(str(tmp_path / "w.csv"), data_dir=None)

    assert (figures.n_users, figures.n_items, figures.n_interactions) == (3, 3, 6)
    assert figures.density == pytest.approx(6 / 9)
    assert (figures.median_history, figures.mean_history, figures.max_history) == (2, 2, 3)
    assert figures.popularity_gini == pytest.approx(2 / 9)
    assert figures.top_percent_share == pytest.approx(3 / 6)


def test_every_dataset_says_whose_it_is():
    assert all(dataset.title and dataset.citation and dataset.license for dataset in DATASETS)
    assert {dataset.letter for dataset in DATASETS} == {"A", "L", "M", "S"}
    assert all(dataset.url.startswith("https://") for dataset in DATASETS if dataset.source)
