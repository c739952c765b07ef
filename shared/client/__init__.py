"""Typed clients of both services; they say what the contract says and raise the errors of `shared.errors`."""

from shared.client.attacker import AttackerClient
from shared.client.target import TargetClient
from shared.client.waiting import Clock

__all__ = ["AttackerClient", "Clock", "TargetClient"]
