"""How a spec names a recommender: the target's deployments and the attacker's shadow say it alike."""

from collections.abc import Mapping
from typing import Self

from pydantic import model_validator

from shared.contract.base import Message
from shared.recommenders.base import Algorithm
from shared.recommenders.registry import parse_hyperparameters
from shared.recommenders.served import ColdStart


class RecommenderChoice(Message):
    """What to train, on which data, and how to serve strangers."""

    dataset: str = "synthetic"
    """A name from `recleak data list`, or `synthetic:users=...,items=...`."""
    algorithm: Algorithm = Algorithm.ITEM
    hyperparameters: Mapping[str, int | float | None] = {}
    """Where they depart from the paper's; GET /v1/catalogue of the attacker lists them."""
    cold_start: ColdStart = ColdStart.POPULAR
    """What users get who were not trained on."""

    @model_validator(mode="after")
    def _hyperparameters_are_known(self) -> Self:
        parse_hyperparameters(self.algorithm, self.hyperparameters)
        return self
