"""Membership leakage of recommender systems: talk to a target and to an attacker.

>>> from recleak import AttackerClient, TargetClient
>>> with AttackerClient("http://127.0.0.1:8002") as attacker:
...     attack = attacker.wait(attacker.submit(spec).id)
"""

from shared import __version__
from shared.client import AttackerClient, TargetClient

__all__ = ["AttackerClient", "TargetClient", "__version__"]
