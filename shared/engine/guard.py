"""The one place that catches every error: what runs behind it cannot bring its runner down."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from shared.errors import JobFailed, RecLeakError

T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """An error of ours, to be raised where somebody asks for the result.

    trace  where it came from, for the log; empty for what RecLeak raises on purpose
    """

    error: RecLeakError
    trace: str


def attempt(action: Callable[[], T]) -> T | Failure:
    """Run an action: its result, its RecLeakError as it is, or another as JobFailed with type and text."""
    try:
        return action()
    except RecLeakError as error:
        return Failure(error, trace="")
    except Exception as error:  # noqa: BLE001  the job runner; see the house style, "Errors"
        failed = JobFailed(
            f"the job failed with {type(error).__name__}: {error}; see the log, then resume it"
        )
        return Failure(failed, trace=traceback.format_exc())
