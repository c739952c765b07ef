"""Where long work runs: here, or in worker processes; one port for both."""

from shared.engine.inline import InlineEngine
from shared.engine.port import Engine, OnProgress, Task
from shared.engine.process import ProcessEngine

__all__ = ["Engine", "InlineEngine", "OnProgress", "ProcessEngine", "Task"]
