"""All recommenders by name, their settings, and what a catalogue says of them."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from enum import StrEnum
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from shared.recommenders.base import Algorithm, Hyperparameters, RecommenderKind
from shared.recommenders.item_knn import ItemKind
from shared.recommenders.lfm import LfmKind
from shared.recommenders.ncf import NcfKind
from shared.recommenders.popularity import PopularityKind

KINDS: Mapping[Algorithm, RecommenderKind] = {
    kind.algorithm: kind for kind in (ItemKind(), LfmKind(), NcfKind(), PopularityKind())
}

DOCUMENTATION: Mapping[Algorithm, str] = {
    Algorithm.ITEM: "item-based collaborative filtering: recommend what resembles the history (cosine)",
    Algorithm.LFM: "latent factor model: a vector for each user and item, trained on sampled negatives",
    Algorithm.NCF: "neural collaborative filtering (NeuMF): vectors and a small network, trained together",
    Algorithm.POPULARITY: "the items that most users have, the same ranking for everybody",
}

Value = int | float | bool | str | None


@dataclass(frozen=True)
class Parameter:
    """What a catalogue says of one hyperparameter.

    types    names of the types it takes, "null" and "choice" among them
    choices  the values it takes if it is a choice
    minimum  None where there is none
    """

    name: str
    types: tuple[str, ...]
    choices: tuple[str, ...]
    default: Value
    minimum: float | None
    documentation: str


@dataclass(frozen=True)
class Description:
    """What a catalogue says of one algorithm."""

    algorithm: Algorithm
    documentation: str
    parameters: tuple[Parameter, ...]


def parse_hyperparameters(algorithm: Algorithm, values: Mapping[str, Any]) -> Hyperparameters:
    """Turn a mapping from outside, such as parsed JSON, into an algorithm's settings; absent = default.

    Whole numbers are taken for fractions, nothing else is converted.
    Raises ValueError, naming the field and the valid ones, on an unknown field, a wrong type or range.
    """
    kind = KINDS[algorithm].hyperparameters
    known = {field.name: field for field in fields(kind)}
    valid = ", ".join(known) or "none"
    for name in values:
        if name not in known:
            raise ValueError(f"{algorithm} has no hyperparameter {name!r}; valid: {valid}")
    hints = get_type_hints(kind)
    try:
        return kind(**{name: _checked(known[name], hints[name], value) for name, value in values.items()})
    except ValueError as error:
        raise ValueError(f"{algorithm}: {error}; valid hyperparameters: {valid}") from error


def describe() -> tuple[Description, ...]:
    """Describe every algorithm and its hyperparameters, in the order of their names."""
    return tuple(
        Description(algorithm, DOCUMENTATION[algorithm], _parameters(KINDS[algorithm].hyperparameters))
        for algorithm in sorted(KINDS)
    )


def _parameters(kind: type[Hyperparameters]) -> tuple[Parameter, ...]:
    hints = get_type_hints(kind)
    return tuple(
        Parameter(
            name=field.name,
            types=tuple(_name_of(one) for one in _allowed(hints[field.name])),
            choices=_choices(hints[field.name]),
            default=None if field.default is MISSING else field.default,
            minimum=field.metadata.get("minimum"),
            documentation=field.metadata["doc"],
        )
        for field in fields(kind)
    )


def _checked(field: "Field[Any]", hint: object, value: object) -> Value:
    if choices := _choices(hint):
        if value not in choices:
            raise ValueError(f"{field.name} must be one of {', '.join(choices)}, found {value!r}")
        return cast(Value, cast(type[StrEnum], hint)(value))
    allowed = _allowed(hint)
    if float in allowed and type(value) is int:
        value = float(value)
    if not isinstance(value, Value) or type(value) not in allowed:
        names = " or ".join(_name_of(one) for one in allowed)
        raise ValueError(f"{field.name} must be {names}, found {value!r}")
    minimum = field.metadata.get("minimum")
    if isinstance(value, int | float) and minimum is not None and not minimum <= value < float("inf"):
        raise ValueError(f"{field.name} must be at least {minimum}, found {value!r}")
    return value


def _allowed(hint: object) -> tuple[type, ...]:
    """The types that a field takes: those of a union, or the one."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _choices(hint: object) -> tuple[str, ...]:
    is_choice = isinstance(hint, type) and issubclass(hint, StrEnum)
    return tuple(str(one) for one in cast(type[StrEnum], hint)) if is_choice else ()


def _name_of(one: type) -> str:
    if one is type(None):
        return "null"
    return "choice" if issubclass(one, StrEnum) else one.__name__
