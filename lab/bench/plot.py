"""Growth as a picture: log-log curves in one SVG, a panel for each axis, made without a library."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from lab.bench.growth import AXES, FACTORS, Growth, unit_of

_WIDTH, _HEIGHT, _MARGIN = 300, 240, 44
_LEGEND = 150
_COLORS = ("#3b6fb6", "#c4572e", "#3f8f4f", "#8a5bb0", "#b8860b", "#2a8c9a", "#b03a6f", "#6b6b6b", "#7a8a2a")

Curve = tuple[str, Sequence[tuple[int, float]]]


def draw(growth: Growth) -> str:
    """Draw times (seconds) above and memory (bytes) below, over the factor of growth; an SVG document."""
    rows = [("s", "seconds"), ("bytes", "bytes")]
    width, height = len(AXES) * _WIDTH + _LEGEND, len(rows) * _HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for row, (unit, title) in enumerate(rows):
        names = _names(growth, unit)
        for column, axis in enumerate(AXES):
            curves = list(_curves(growth, unit, axis))
            panel = _panel(curves, names, f"{title} by {axis}")
            parts.append(f'<g transform="translate({column * _WIDTH},{row * _HEIGHT})">{panel}</g>')
        legend = _legend(names)
        parts.append(f'<g transform="translate({len(AXES) * _WIDTH},{row * _HEIGHT})">{legend}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _names(growth: Growth, unit: str) -> list[str]:
    return list(
        dict.fromkeys(f"{part} {name}" for part, name, _, _ in growth.curves() if unit_of(name) == unit)
    )


def _curves(growth: Growth, unit: str, axis: str) -> Iterator[Curve]:
    for part, quantity, along, curve in growth.curves():
        if along == axis and unit_of(quantity) == unit and all(value > 0 for _, value in curve):
            yield f"{part} {quantity}", curve


def _panel(curves: Sequence[Curve], names: Sequence[str], title: str) -> str:
    heading = f'<text x="{_MARGIN}" y="16" font-weight="bold">{escape(title)}</text>'
    if not curves:
        return heading + f'<text x="{_MARGIN}" y="40">not measured</text>'
    values = [value for _, curve in curves for _, value in curve]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)

    def x(factor: float) -> float:
        return _MARGIN + math.log(factor) / math.log(FACTORS[-1]) * (_WIDTH - _MARGIN - 16)

    def y(value: float) -> float:
        return _HEIGHT - 30 - (math.log10(value) - low) / (high - low) * (_HEIGHT - 60)

    return heading + "".join(
        [
            *(_line_at(y(10.0**power), f"1e{power}") for power in range(low, high + 1)),
            *(
                f'<text x="{x(factor):.1f}" y="{_HEIGHT - 12}" text-anchor="middle">x{factor}</text>'
                for factor in FACTORS
            ),
            *(
                _path([(x(factor), y(value)) for factor, value in curve], _color(names.index(name)))
                for name, curve in curves
            ),
        ]
    )


def _line_at(y: float, label: str) -> str:
    return (
        f'<line x1="{_MARGIN}" x2="{_WIDTH - 16}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        f'<text x="{_MARGIN - 4}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    )


def _path(points: Sequence[tuple[float, float]], color: str) -> str:
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{color}"/>' for x, y in points)
    return f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1.5"/>{dots}'


def _legend(names: Sequence[str]) -> str:
    return "".join(
        f'<rect x="4" y="{24 + 16 * n}" width="10" height="10" fill="{_color(n)}"/>'
        f'<text x="20" y="{33 + 16 * n}">{escape(name)}</text>'
        for n, name in enumerate(names)
    )


def _color(number: int) -> str:
    return _COLORS[number % len(_COLORS)]
