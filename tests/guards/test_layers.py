"""Imports point downwards, and the core is pure."""

import ast
import subprocess
import sys

from tests.guards.source_tree import PRODUCT, ROOT, dotted, functions, modules

# layers 1 to 3 of the house style
PURE = (
    "shared/arrays.py",
    "shared/attacks.py",
    "shared/datasets/splits.py",
    "shared/datasets/synthetic.py",
    "shared/defenses/",
    "shared/errors.py",
    "shared/interactions.py",
    "shared/progress.py",
    "shared/randomness.py",
    "shared/ranked_lists.py",
    "shared/recommenders/",
    "services/attacker/attack/",
)
OUTSIDE_WORLD = ("os.environ", "os.getenv", "time.", "datetime.", "logging.")
GLOBAL_DICE = (
    "np.random.seed",
    "numpy.random.seed",
    "random.",
)


def test_import_contracts_hold() -> None:
    """In a process of its own: import-linter disables every logger that there is."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_pure_code_exists() -> None:
    """A module that was renamed does not slip out of the rules below."""
    missing = [prefix for prefix in PURE if not modules(prefix)]

    assert missing == []


def test_pure_code_reads_no_environment_and_no_clock_and_prints_nothing() -> None:
    found = [
        f"{name}:{node.lineno}: {dotted(node)}"
        for name, tree in modules(*PURE)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name)
        and (dotted(node).startswith(OUTSIDE_WORLD) or dotted(node) == "print")
    ]

    assert found == []


def test_nothing_draws_from_a_global_seed() -> None:
    found = [
        f"{name}:{node.lineno}: {dotted(node.func)}"
        for name, tree in modules(*PRODUCT)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and dotted(node.func).startswith(GLOBAL_DICE)
    ]

    assert found == []


def test_an_rng_is_never_optional() -> None:
    """Who draws says so: `rng` has no default, and public functions take it by keyword."""
    found = []
    for name, tree in modules(*PRODUCT):
        for function in functions(tree):
            arguments = function.args
            positional = [*arguments.posonlyargs, *arguments.args]
            with_default = positional[len(positional) - len(arguments.defaults) :]
            with_default += [
                one
                for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
                if default
            ]
            by_place = [] if function.name.startswith("_") else positional
            if any(one.arg == "rng" for one in [*with_default, *by_place]):
                found.append(f"{name}:{function.lineno}: {function.name}")

    assert found == []
