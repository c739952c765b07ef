"""The choices of the options, written down once more because their own modules take a second to import.

A test holds them against `shared`.
"""

from enum import StrEnum


class AlgorithmName(StrEnum):
    """`shared.recommenders.base.Algorithm`."""

    ITEM = "item"
    LFM = "lfm"
    NCF = "ncf"
    POPULARITY = "popularity"


class ColdStartName(StrEnum):
    """`shared.recommenders.served.ColdStart`."""

    POPULAR = "popular"
    POPULAR_UNSEEN = "popular_unseen"
    FOLD_IN = "fold_in"
    EMPTY = "empty"
    NOT_FOUND = "not_found"


class ModeName(StrEnum):
    """`shared.contract.attacker.QueryMode`."""

    BATCH = "batch"
    SINGLE = "single"


class UsersName(StrEnum):
    """Where the judged users come from, where a flag can say it."""

    DATASET = "dataset"
    TARGET = "target"


class DivisionName(StrEnum):
    """`shared.datasets.splits.Division`."""

    BY_INTERACTION = "by-interaction"
    BY_USER = "by-user"


class BenchName(StrEnum):
    """The groups of `lab.bench.everything`, and growth."""

    ITEM = "item"
    LFM = "lfm"
    NCF = "ncf"
    NCF_QUALITY = "ncf-quality"
    SHADOWS = "shadows"
    FOLDING = "folding"
    SERVING = "serving"
    QUERYING = "querying"
    ATTACK = "attack"
    GROWTH = "growth"
