"""Specs from files and options."""

from pathlib import Path

import pytest

from lab.attack_spec import spec_of
from lab.specs import merged, read_spec, settings_of
from shared.contract.attacker import AttackSpec, DatasetUsers, ProfileUsers
from shared.errors import BadInput

TARGET = "http://127.0.0.1:8001"


def _spec(
    file: Path | None = None,
    flags: dict[str, object] | None = None,
    settings: list[str] | None = None,
    is_evaluated: bool | None = None,
) -> AttackSpec:
    return spec_of(file, flags or {}, settings or [], is_evaluated=is_evaluated, default_target=TARGET)


def _file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("spec.yaml", "target: {url: 'http://t.test'}\nk: 20\nusers: {dataset: ml-1m}\n"),
        ("spec.yml", "target:\n  url: http://t.test\nk: 20\nusers:\n  dataset: ml-1m\n"),
        ("spec.toml", 'k = 20\n[target]\nurl = "http://t.test"\n[users]\ndataset = "ml-1m"\n'),
        ("spec.json", '{"target": {"url": "http://t.test"}, "k": 20, "users": {"dataset": "ml-1m"}}'),
    ],
)
def test_all_formats_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    spec = _spec(_file(tmp_path, name, text))

    assert (str(spec.target.url), spec.k) == ("http://t.test/", 20)
    assert spec.users == DatasetUsers(dataset="ml-1m")
    assert spec.evaluate is None


def test_options_win_over_the_file_and_leave_the_rest(tmp_path: Path) -> None:
    file = _file(tmp_path, "spec.yaml", "target: {url: 'http://t.test', deployment: d1}\nk: 20\nseed: 5\n")

    spec = _spec(file, {"k": 30, "target.url": "http://other.test", "seed": None}, ["features.length=8"])

    assert (spec.k, spec.seed, spec.features.length) == (30, 5, 8)
    assert (str(spec.target.url), spec.target.deployment) == ("http://other.test/", "d1")


def test_without_a_file_the_default_target_is_attacked_and_judged() -> None:
    spec = _spec()

    assert str(spec.target.url) == f"{TARGET}/"
    assert spec.evaluate is not None


def test_evaluation_can_be_switched_off_and_on(tmp_path: Path) -> None:
    file = _file(tmp_path, "spec.yaml", "target: {url: 'http://t.test'}\nevaluate: {key_env: RECLEAK_MINE}\n")

    assert _spec(file, is_evaluated=False).evaluate is None
    kept = _spec(file, is_evaluated=True).evaluate
    assert kept is not None
    assert kept.key_env == "RECLEAK_MINE"


def test_users_can_be_those_that_the_target_shows() -> None:
    assert _spec(None, {"users.source": "target", "users.limit": 50}).users == ProfileUsers(
        source="target", limit=50
    )


def test_settings_are_read_as_yaml() -> None:
    assert settings_of(["a=1", "b.c=x", "d=null", "e=0.5", "f=a=b"]) == {
        "a": 1,
        "b.c": "x",
        "d": None,
        "e": 0.5,
        "f": "a=b",
    }


@pytest.mark.parametrize("pair", ["k", "=3", "k=[1"])
def test_a_setting_that_is_none_is_refused(pair: str) -> None:
    with pytest.raises(BadInput, match=r"place=value|in quotes"):
        settings_of([pair])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("spec.yaml", "k: [1\n", "line 2"),
        ("spec.toml", "k = \n", "line 1"),
        ("spec.yaml", "- k\n", "must hold a mapping"),
        ("spec.yaml", "", "must hold a mapping"),
        ("spec.txt", "k: 1\n", ".yaml, .yml, .toml, .json"),
        ("spec.yaml", "target: {url: 'http://t.test'}\nkk: 1\n", "kk: there is no such setting"),
        ("spec.yaml", "k: 1\n", "target: Field required"),
        ("spec.yaml", "target: {url: 'http://t.test'}\nk: 0\n", "k: "),
        ("spec.yaml", "target: {url: nowhere}\n", "target.url"),
        ("spec.yaml", "target: {url: 'http://t.test'}\nsplit: {min_interactions: 0}\n", "at least 1"),
        ("spec.yaml", "target: {url: 'http://t.test'}\nshadow: {hyperparameters: {x: 1}}\n", "'x'"),
    ],
)
def test_a_bad_file_is_one_line_that_names_it(tmp_path: Path, name: str, text: str, message: str) -> None:
    file = _file(tmp_path, name, text)

    with pytest.raises(BadInput) as caught:
        _spec(file)

    assert message in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_spec(tmp_path / "spec.yaml")


def test_merging_leaves_its_input_alone() -> None:
    spec = {"target": {"url": "a"}}

    assert merged(spec, {"target.url": "b", "k": 3}) == {"target": {"url": "b"}, "k": 3}
    assert spec == {"target": {"url": "a"}}


def test_a_value_cannot_stand_where_a_mapping_must() -> None:
    with pytest.raises(BadInput, match="target must be a mapping"):
        merged({"target": "http://t.test"}, {"target.url": "b"})
