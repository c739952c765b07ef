"""Every failure of a command as one line and an exit code, in one place."""

import os
import sys
from collections.abc import Callable

import typer

from lab.consoles import say_error
from shared.errors import BadInput, RecLeakError

INTERRUPTED = 130
_FAILED, _MISUSED = 1, 2
_ClickException: type[Exception] = typer.BadParameter.__mro__[2]  # typer brings its own click, without a name


def exit_code(run: Callable[[], object]) -> int:
    """Run a command line and give its exit code; errors that are meant to happen become one line.

    0 = done, 1 = failed, 2 = the input cannot be used, 130 = interrupted. Anything else is a bug and passes.
    """
    try:
        code = run()
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        return _FAILED
    except (KeyboardInterrupt, typer.Abort):
        say_error("interrupted")
        return INTERRUPTED
    except RecLeakError as error:
        say_error(str(error))
        return _MISUSED if isinstance(error, BadInput) else _FAILED
    except OSError as error:
        say_error(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        return _FAILED
    except _ClickException as error:
        return _misused(error)
    return code if isinstance(code, int) else 0


def _misused(error: BaseException) -> int:
    """Say what is wrong with a command line, and where its help is."""
    message = str(getattr(error, "format_message", error.__str__)()).rstrip(".")
    context = getattr(error, "ctx", None)
    where = f" (see {context.command_path} --help)" if context is not None else ""
    if message:  # it has none where the help was all the answer
        say_error(message + where)
    return int(getattr(error, "exit_code", _FAILED))


def _forget_output() -> None:
    """Let the interpreter flush into nothing at its end: whoever read our output has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
