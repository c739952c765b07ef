"""Growth as a table with slopes, and as rows for a file; a slope steeper than a line is given its reason."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from lab.bench.growth import AXES, Growth, slope, unit_of
from lab.bench.machine import is_disturbed

STEEP = 1.1
"""A slope above this is steeper than a line."""
_MEGA = 2**20
_TOLERANCE = STEEP - 1
_UPDATES = frozenset({("lfm", "train s"), ("ncf", "train s")})

Curves = Mapping[tuple[str, str, str], Sequence[tuple[int, float]]]


@dataclass(frozen=True)
class Bound:
    """A slope that must be steeper than a line.

    power   the most it may be
    reason  where docs/performance.md, "Growth", proves it
    """

    power: float
    reason: str


MUST = {
    ("item", "train s", "interactions"): Bound(2.0, "pairs"),
    ("lfm", "lists s", "all"): Bound(2.0, "catalogue"),
    ("ncf", "lists s", "all"): Bound(2.0, "catalogue"),
}


def reason_of(curves: Curves, part: str, quantity: str, axis: str) -> str:
    """Say why a slope is above STEEP: "pairs", "catalogue", "memory", or "unexplained"; "" if it is not.

    Memory explains what the bare touches of memory show along the same axis: they are linear in the
    interactions, so what they have above that is the price of a touch.
    """
    found = slope(curves[part, quantity, axis])
    if not round(found, 2) > STEEP or part == "floor":
        return ""
    bound = MUST.get((part, quantity, axis), Bound(1.0, "memory"))
    dearer = 0.0 if unit_of(quantity) == "bytes" else _dearer_touch(curves, part, quantity, axis)
    return bound.reason if found <= bound.power + dearer + _TOLERANCE else "unexplained"


def growth_section(growth: Growth) -> Iterator[str]:
    """Write the table of slopes, the sizes, and what was not measured or disturbed, as Markdown."""
    yield "## growth: slopes on a log-log scale (1 = linear, 0 = does not grow)"
    yield ""
    yield f"| part | quantity | x1 | all x16 | {' | '.join(f'by {axis}' for axis in AXES)} |"
    yield f"| --- | --- | --- | --- | {' | '.join('---' for _ in AXES)} |"
    curves = _curves(growth)
    for part, quantity in dict.fromkeys((part, quantity) for part, quantity, _ in curves):
        slopes = " | ".join(_slope(curves, part, quantity, axis) for axis in AXES)
        yield f"| {part} | {quantity} | {' | '.join(_ends(curves, part, quantity))} | {slopes} |"
    yield ""
    yield from _reasons(curves)
    yield from _sizes(growth)
    yield from (f"- not measured, {failure}" for failure in growth.failures)
    yield from _remarks(growth)


def plain_growth(growth: Growth) -> dict[str, object]:
    """Give all points and slopes as JSON can hold them."""
    curves = _curves(growth)
    return {
        "points": [asdict(point) for point in growth.points],
        "slopes": [
            {
                "part": part,
                "quantity": quantity,
                "axis": axis,
                "slope": slope(curve),
                "reason": reason_of(curves, part, quantity, axis),
            }
            for (part, quantity, axis), curve in curves.items()
        ],
        "reused": growth.n_reused,
        "not measured": list(growth.failures),
    }


def to_csv(growth: Growth) -> str:
    """Give all points as comma-separated lines, one for each quantity, sorted as they were measured."""
    lines = ["part,quantity,unit,axis,factor,users,items,interactions,value,others_share"]
    for point in growth.points:
        size = f"{point.size.users},{point.size.items},{point.size.interactions}"
        lines += [
            f"{point.part},{quantity},{unit_of(quantity)},{point.axis},{point.factor},{size},"
            f"{value:.6g},{point.others_share:.3f}"
            for quantity, value in point.quantities.items()
        ]
    return "\n".join(lines) + "\n"


def is_quiet(growth: Growth) -> bool:
    """Say whether the machine was left to us while growth was measured."""
    return not any(is_disturbed(point.others_share) for point in growth.points)


def _curves(growth: Growth) -> Curves:
    return {(part, quantity, axis): curve for part, quantity, axis, curve in growth.curves()}


def _dearer_touch(curves: Curves, part: str, quantity: str, axis: str) -> float:
    touches = ("floor", "updates s" if (part, quantity) in _UPDATES else "reads s", axis)
    if touches not in curves:
        return 0.0
    return max(slope(curves[touches]) - (axis in ("interactions", "all")), 0.0)


def _slope(curves: Curves, part: str, quantity: str, axis: str) -> str:
    if (part, quantity, axis) not in curves:
        return ""
    reason = reason_of(curves, part, quantity, axis)
    return f"{slope(curves[part, quantity, axis]):.2f}" + (f" ({reason})" if reason else "")


def _ends(curves: Curves, part: str, quantity: str) -> tuple[str, str]:
    of_axis = [curve for axis in AXES if (curve := curves.get((part, quantity, axis)))]
    unit = unit_of(quantity)
    whole = curves.get((part, quantity, "all"))
    return _value(of_axis[0][0][1], unit), "" if whole is None else _value(whole[-1][1], unit)


def _reasons(curves: Curves) -> Iterator[str]:
    found = {reason_of(curves, *key): None for key in curves}
    told = {
        "pairs": "the pairs within each history are looked at",
        "catalogue": "every item is scored for every user, so two things grow at once",
        "memory": "the touches of memory are linear, but one costs more than in a cache: see floor",
        "unexplained": "steeper than a line, and nothing here says why",
    }
    yield from (
        f"- ({reason}) {why}; docs/performance.md, Growth" for reason, why in told.items() if reason in found
    )


def _sizes(growth: Growth) -> Iterator[str]:
    for axis in AXES:
        sizes = {point.factor: point.size for point in growth.points if point.axis == axis}
        told = "; ".join(
            f"x{factor}: {size.users:,} users, {size.items:,} items, {size.interactions:,} interactions"
            for factor, size in sorted(sizes.items())
        )
        yield f"- {axis}: {told}"
    yield (
        "- the lists of all users are worked out from those of up to 1,024; memory is that of the process "
        "without its libraries; `growth.svg` has the curves, `growth.csv` the points"
    )


def _remarks(growth: Growth) -> Iterator[str]:
    if growth.n_reused:
        yield (
            f"- {growth.n_reused} runs of this code were kept by an earlier call; without `growth.jsonl` "
            "they are measured again"
        )
    shares = [point.others_share for point in growth.points]
    if n_disturbed := sum(map(is_disturbed, shares)):
        yield (
            f"- others had up to {max(shares):.0%} of the machine; {n_disturbed} of {len(shares)} points "
            "were disturbed"
        )


def _value(value: float, unit: str) -> str:
    return f"{value / _MEGA:,.1f} MiB" if unit == "bytes" else f"{value:.3g} {unit}"
