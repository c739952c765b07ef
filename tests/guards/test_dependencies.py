"""What is installed is pinned, and the version is said once."""

import re

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import shared
from tests.guards.source_tree import PRODUCT, PROJECT, ROOT

LINES = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
PINS = {canonicalize_name(name): version for name, version in (line.split("==") for line in LINES)}


def _declared() -> list[Requirement]:
    project = PROJECT["project"]
    groups = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        PROJECT["build-system"]["requires"],
    ]
    return [Requirement(line) for group in groups for line in group]


def test_each_dependency_is_pinned_to_a_version_it_allows() -> None:
    wrong = [
        str(one)
        for one in _declared()
        if canonicalize_name(one.name) not in PINS or PINS[canonicalize_name(one.name)] not in one.specifier
    ]

    assert wrong == []


def test_pins_are_exact_sorted_and_unique() -> None:
    """A local version such as +cpu is no pin: it exists at one place only."""
    names = [line.split("==")[0] for line in LINES]

    assert names == sorted(set(names))
    assert [line for line in LINES if not re.fullmatch(r"[a-z0-9._-]+==[0-9][0-9a-z.]*", line)] == []


def test_pythons_are_those_of_the_classifiers() -> None:
    project = PROJECT["project"]
    named = [one.rsplit(" ", 1)[1] for one in project["classifiers"] if "Python :: 3." in one]

    allowed = Requirement(f"python{project['requires-python']}").specifier
    assert [f"3.{minor}" for minor in range(20) if f"3.{minor}" in allowed] == named


def test_the_changelog_begins_with_this_version() -> None:
    headings = re.findall(r"^## (\S+) - (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert headings[0][0] == shared.__version__
    assert [Version(version) for version, _ in headings] == sorted(
        (Version(version) for version, _ in headings), reverse=True
    )
    assert [day for _, day in headings if not re.fullmatch(r"unreleased|\d{4}-\d{2}-\d{2}", day)] == []


def test_every_package_of_the_wheel_is_in_the_image_and_checked() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text().splitlines()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()

    assert [one for one in PRODUCT if dockerfile.count(f"COPY {one} {one}") != 1] == []
    assert [one for one in PRODUCT if f"!{one}" not in ignored] == []
    assert set(PROJECT["tool"]["importlinter"]["root_packages"]) == set(PRODUCT)
    assert set(PROJECT["tool"]["mypy"]["packages"]) == set(PRODUCT)
