"""Where long work runs: here, in processes, on threads, or on a cluster; one port for all."""

from shared.engine.inline import InlineEngine
from shared.engine.opening import check_engine, open_engine
from shared.engine.port import Engine, OnProgress, Task
from shared.engine.process import ProcessEngine
from shared.engine.threads import ThreadEngine

__all__ = [
    "Engine",
    "InlineEngine",
    "OnProgress",
    "ProcessEngine",
    "Task",
    "ThreadEngine",
    "check_engine",
    "open_engine",
]
