"""How time and memory grow with users, items and interactions: points, and the slopes between them."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lab.bench.runs import run_process
from lab.bench.settings import Settings
from shared.errors import JobFailed

FACTORS = (1, 4, 16)
PARTS = ("item", "lfm", "ncf", "serving", "attack")


@dataclass(frozen=True)
class Size:
    """How large a world is."""

    users: int
    items: int
    interactions: int

    def times(self, axis: str, factor: int) -> "Size":
        """Grow along one axis, or along all."""
        grown = {
            name: getattr(self, name) * (factor if axis in (name, "all") else 1)
            for name in ("users", "items", "interactions")
        }
        return Size(**grown)


AXES = ("users", "items", "interactions", "all")
FULL = Size(62_500, 12_500, 6_250_000)  # times 16: 1 M users, 200 k items, 100 M interactions
USUAL = Size(4_000, 1_600, 160_000)
TOY = Size(40, 600, 640)


@dataclass(frozen=True)
class Point:
    """What one part took at one size; by quantity, seconds or bytes."""

    axis: str
    factor: int
    size: Size
    part: str
    quantities: Mapping[str, float]


@dataclass(frozen=True)
class Growth:
    """All points, and why some are missing."""

    points: Sequence[Point]
    failures: Sequence[str]

    def curves(self) -> Iterator[tuple[str, str, str, Sequence[tuple[int, float]]]]:
        """Give (part, quantity, axis, [(factor, value)]) for each curve of two points or more."""
        names = {(point.part, quantity): None for point in self.points for quantity in point.quantities}
        for part, quantity in names:
            for axis in AXES:
                curve = [
                    (point.factor, point.quantities[quantity])
                    for point in self.points
                    if point.axis == axis and point.part == part and quantity in point.quantities
                ]
                if len(curve) > 1:
                    yield part, quantity, axis, sorted(curve)


def slope(curve: Sequence[tuple[int, float]]) -> float:
    """Fit log(value) = slope log(factor) + c by least squares; NaN if a value is not positive."""
    if any(value <= 0 for _, value in curve):
        return math.nan
    factors, values = np.log(np.array(curve, dtype=np.float64)).T
    return float(np.polyfit(factors, values, 1)[0])


def grow(settings: Settings, *, report: Callable[[float, str], None]) -> Growth:
    """Measure every part at every size, each in a process of its own."""
    base = FULL if settings.is_full else TOY if settings.is_quick else USUAL
    places = [(axis, factor) for axis in AXES for factor in FACTORS]
    points: list[Point] = []
    failures: list[str] = []
    found: dict[Size, _Found] = {}
    for number, (axis, factor) in enumerate(places):
        size = base.times(axis, factor)
        report(number / len(places), f"{axis} x{factor}")
        if size not in found:
            found[size] = _measured(settings, size, failures)
        real, parts = found[size]
        points += [Point(axis, factor, real, part, values) for part, values in parts.items()]
    return Growth(points, failures)


def unit_of(quantity: str) -> str:
    """Give a quantity's unit: s, us or bytes."""
    return "bytes" if quantity.endswith("memory") else quantity.rsplit(" ", 1)[1]


_Found = tuple[Size, Mapping[str, Mapping[str, float]]]


def _measured(settings: Settings, size: Size, failures: list[str]) -> _Found:
    """Give the size as it came out (histories end where nothing is left to add) and each part's values."""
    inputs = settings.folder / "growth.npz"
    options = {**vars(size), "inputs": str(inputs), "seed": 0}
    found: dict[str, Mapping[str, float]] = {}
    for part in ("world", *PARTS):
        command = [
            sys.executable,
            "-m",
            "lab.bench.contender",
            "growth",
            json.dumps({**options, "part": part}),
        ]
        try:
            outcome = run_process(
                command, cores=settings.cores, n_threads=settings.n_threads, timeout_s=settings.timeout_s
            )
        except JobFailed as error:
            failures.append(f"{part} at {size.users:,} x {size.items:,}, {size.interactions:,}: {error}")
            if part == "world":
                return size, {}
            continue
        if part == "world":
            size = replace(size, interactions=int(outcome.units))
        else:
            found[part] = outcome.figures
    inputs.unlink(missing_ok=True)
    return size, found
