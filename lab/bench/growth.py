"""How time and memory grow with users, items and interactions: points, and the slopes between them."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lab.bench.growth_log import Kept
from lab.bench.runs import Outcome, run_process
from lab.bench.settings import Settings
from shared.errors import JobFailed

FACTORS = (1, 4, 16)
WORLD = "world"
PARTS = ("floor", "item", "lfm", "ncf", "serving", "attack")


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
    """What one part took at one size; by quantity, seconds or bytes.

    others_share  share of the machine that others had meanwhile
    """

    axis: str
    factor: int
    size: Size
    part: str
    quantities: Mapping[str, float]
    others_share: float = 0.0


@dataclass(frozen=True)
class Growth:
    """All points, and why some are missing.

    n_reused  runs that an earlier run with the same code and sizes had kept
    """

    points: Sequence[Point]
    failures: Sequence[str]
    n_reused: int = 0

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
    """Measure every part at every size, each in a process of its own; what is kept is not measured again."""
    base = FULL if settings.is_full else TOY if settings.is_quick else USUAL
    sizes = {(axis, factor): base.times(axis, factor) for axis in AXES for factor in FACTORS}
    kept = Kept(settings.kept)
    failures: list[str] = []
    found: dict[Size, _Found] = {}
    distinct = list(dict.fromkeys(sizes.values()))
    for number, size in enumerate(distinct):

        def told(note: str, number: int = number, size: Size = size) -> None:
            report(number / len(distinct), f"{note}: {size.users:,} x {size.items:,}, {size.interactions:,}")

        found[size] = _measured(settings, size, kept=kept, failures=failures, report=told)
    points = [
        Point(axis, factor, found[size][0], part, outcome.figures, outcome.others_share)
        for (axis, factor), size in sizes.items()
        for part, outcome in found[size][1].items()
    ]
    return Growth(points, failures, kept.n_reused)


def unit_of(quantity: str) -> str:
    """Give a quantity's unit: s, us or bytes."""
    return "bytes" if quantity.endswith("memory") else quantity.rsplit(" ", 1)[1]


_Found = tuple[Size, Mapping[str, Outcome]]


def _measured(
    settings: Settings, size: Size, *, kept: Kept, failures: list[str], report: Callable[[str], None]
) -> _Found:
    """Give the size as it came out (histories end where nothing is left to add) and each part's outcome."""
    inputs = settings.folder / "growth.npz"
    options = {**vars(size), "seed": 0, "threads": settings.n_threads}
    found = {part: kept.get({**options, "part": part}) for part in (WORLD, *PARTS)}
    missing = [part for part in PARTS if found[part] is None]
    for part in [WORLD, *missing] if missing or found[WORLD] is None else []:
        report(part)
        try:
            outcome = _run(settings, {**options, "part": part, "inputs": str(inputs)})
        except JobFailed as error:
            failures.append(f"{part} at {size.users:,} x {size.items:,}, {size.interactions:,}: {error}")
            if part == WORLD:
                break
            continue
        if found[part] is None:
            kept.add({**options, "part": part}, outcome)
            found[part] = outcome
    inputs.unlink(missing_ok=True)
    world = found.pop(WORLD)
    real = size if world is None else replace(size, interactions=int(world.units))
    return real, {part: outcome for part, outcome in found.items() if outcome is not None}


def _run(settings: Settings, options: Mapping[str, object]) -> Outcome:
    command = [sys.executable, "-m", "lab.bench.contender", "growth", json.dumps(options)]
    return run_process(
        command, cores=settings.cores, n_threads=settings.n_threads, timeout_s=settings.timeout_s
    )
