"""Torch is for developers: what runs neither imports nor installs it."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.guards.source_tree import PRODUCT, PROJECT, ROOT, modules

BROUGHT_BY_TORCH = {"torch", "sympy", "networkx", "triton"}
EXTRAS_OF_THE_IMAGE = ("cluster", "postgres")


def _module_names() -> list[str]:
    """Every module of the product; migrations and __main__ are programs, not modules."""
    return [
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name, _ in modules(*(f"{package}/" for package in PRODUCT))
        if "/migrations/" not in name and not name.endswith("__main__.py")
    ]


def _needed(requirement: Requirement) -> set[tuple[str, str]]:
    """Give what one requirement asks for: a package by itself, and with each extra."""
    name = canonicalize_name(requirement.name)
    return {(name, extra) for extra in ("", *requirement.extras)}


def _closure(lines: list[str]) -> set[str]:
    """Name all packages that these requirements bring here, as far as they are installed."""
    waiting = set().union(*(_needed(Requirement(line)) for line in lines))
    seen: set[tuple[str, str]] = set()
    while waiting:
        name, extra = waiting.pop()
        seen.add((name, extra))
        try:
            below = [Requirement(line) for line in requires(name) or []]
        except PackageNotFoundError:
            continue
        wanted = [one for one in below if one.marker is None or one.marker.evaluate({"extra": extra})]
        waiting |= set().union(*(_needed(one) for one in wanted)) - seen
    return {name for name, _ in seen}


def test_no_module_of_services_shared_or_lab_brings_torch_in() -> None:
    """Neither by itself nor through what it imports; import-linter sees to the imports inside functions."""
    names = _module_names()
    load_all = f"import sys, importlib; [importlib.import_module(name) for name in {names}]"
    code = f"{load_all}; print('torch' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert {"services.target.app", "services.attacker.app", "lab.commands.demo"} <= set(names)
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr


def test_no_dependency_of_what_runs_brings_torch_in() -> None:
    project = PROJECT["project"]
    extras = project["optional-dependencies"]

    brought = _closure(
        [*project["dependencies"], *(line for name in EXTRAS_OF_THE_IMAGE for line in extras[name])]
    )

    assert {"numpy", "llvmlite", "dask"} <= brought
    assert brought & BROUGHT_BY_TORCH == set()


def test_developers_have_torch() -> None:
    assert "torch" in {Requirement(line).name for line in PROJECT["project"]["optional-dependencies"]["dev"]}
