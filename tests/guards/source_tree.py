"""The files of the checkout, as the guards read them."""

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PRODUCT: tuple[str, ...] = tuple(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])


@cache
def committed_files() -> tuple[Path, ...]:
    """Every file that is in version control or could be; outside of a checkout, every file."""
    asked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = asked.stdout.splitlines() if asked.returncode == 0 else []
    found = [ROOT / name for name in names] or list(ROOT.rglob("*"))
    hidden = {".venv", "__pycache__"}
    return tuple(sorted(path for path in found if path.is_file() and not hidden & set(path.parts)))


def text_files() -> Iterator[tuple[str, str]]:
    """Give the name, relative to the root, and the text of each committed file that is text."""
    for path in committed_files():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


@cache
def modules(*folders: str) -> tuple[tuple[str, ast.Module], ...]:
    """Give the name, relative to the root, and the syntax tree of each Python file below some folders."""
    return tuple(
        (path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"), str(path)))
        for path in committed_files()
        if path.suffix == ".py" and path.relative_to(ROOT).as_posix().startswith(folders)
    )


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Give every function and method of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def dotted(node: ast.AST) -> str:
    """Spell a chain of attributes: `a.b.c`; empty if it is anything else."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""
