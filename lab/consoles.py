"""The two consoles: results go to standard output, everything else to standard error."""

import sys

from rich.console import Console
from rich.text import Text

PLAIN_WIDTH = 120  # of tables that go into a file or a pipe, where nobody has a terminal's width


def out() -> Console:
    """Where results go."""
    return _console(is_error=False)


def err() -> Console:
    """Where progress and errors go."""
    return _console(is_error=True)


def say_json(text: str) -> None:
    """Print JSON for a machine, as it is."""
    sys.stdout.write(text + "\n")


def say_error(message: str) -> None:
    """Print one line that begins with `error:`."""
    err().print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)


def _console(*, is_error: bool) -> Console:
    is_terminal = (sys.stderr if is_error else sys.stdout).isatty()
    return Console(stderr=is_error, highlight=False, width=None if is_terminal else PLAIN_WIDTH)
