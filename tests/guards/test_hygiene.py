"""What never belongs into the repository, and habits that the linters do not know."""

import ast
import re

from tests.guards.source_tree import PRODUCT, ROOT, committed_files, dotted, modules, text_files

# written in pieces, so that this file does not name what it forbids
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("download", "pytorch", "org"),
        ("anaconda", "org"),
        ("registry", "npmjs", "org"),
        ("registry-1", "docker", "io"),
        ("ghcr", "io"),
        ("quay", "io"),
        ("deb", "debian", "org"),
    )
]
NEXT_DOOR = "../" + "shared"
A_MACHINE = re.compile(r"(?<![\w./-])/(?:work|home/\w+|Users/\w+)/")
LARGEST = 1_000_000
WORDS_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}


def test_no_package_registry_is_named() -> None:
    """Where packages come from is a matter of the machine."""
    assert [f"{name}: {host}" for name, text in text_files() for host in REGISTRIES if host in text] == []


def test_no_path_of_a_machine_is_named() -> None:
    here = "" if len(ROOT.parts) < 3 else f"{ROOT}"

    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in text_files()
        for number, line in enumerate(text.splitlines(), 1)
        if A_MACHINE.search(line) or (here and here in line)
    ]

    assert found == []


def test_nothing_outside_the_repository_is_named() -> None:
    """The one exception is how `.ci/run` finds a container engine that somebody else provides."""
    found = [name for name, text in text_files() if NEXT_DOOR in text]

    assert set(found) <= {".ci/run"}


def test_no_file_is_large() -> None:
    large = [str(path) for path in committed_files() if path.stat().st_size > LARGEST]

    assert large == []


def test_every_exception_is_caught_in_one_place_only() -> None:
    """The job runner records whatever happened; everybody else knows what they catch."""
    found = [
        f"{name}:{node.lineno}"
        for name, tree in modules(*PRODUCT)
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and (node.type is None or dotted(node.type) == "Exception")
    ]

    assert len(found) <= 1, found


def test_names_say_what_is_inside() -> None:
    found = [
        name
        for name, _ in modules(*PRODUCT, "tests")
        if WORDS_THAT_SAY_NOTHING & set(re.split(r"[/_.]", name))
    ]

    assert found == []


def test_tests_do_not_sleep() -> None:
    """A test waits for what it needs, with a limit, and never for an amount of time."""
    found = [
        f"{name}:{node.lineno}"
        for name, tree in modules("tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and dotted(node.func) in {"time.sleep", "sleep", "asyncio.sleep"}
    ]

    assert found == []
