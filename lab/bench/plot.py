"""Growth as a picture: log-log curves in one SVG, a panel for each axis, made without a library."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape

from lab.bench.growth import AXES, FACTORS, Growth, slope, unit_of

_WIDTH, _HEIGHT = 250, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 30, 44
_LEGEND = 420
_NAMES, _COLUMN = 112, 66  # widths in the legend: a name, a slope
_COLORS = ("#8a8a8a", "#3f7fd1", "#d9622b", "#2f9e58", "#a05fd0", "#c79a1b")
_DASHES = ("", "5 3", "1.5 3")
_STYLE = """<style>
:root { color-scheme: light dark }
.paper { fill: #ffffff } .ink { fill: #222222 } .faint { fill: #666666 }
.grid { stroke: #e2e2e2 } .line { stroke: #777777; stroke-dasharray: 2 4 }
@media (prefers-color-scheme: dark) {
  .paper { fill: #14171c } .ink { fill: #e8e8e8 } .faint { fill: #a0a0a0 }
  .grid { stroke: #333942 } .line { stroke: #8a8a8a }
}
</style>"""

Curve = Sequence[tuple[int, float]]
Curves = Mapping[tuple[str, str, str], Curve]
Looks = Mapping[tuple[str, str], tuple[str, str]]  # color and dashes of (part, quantity)


def draw(growth: Growth) -> str:
    """Draw times (seconds) above and memory (MiB) below, over the factor of growth; an SVG document.

    A part has a color, its quantities have dashes; a dotted line is linear growth; the legend has the slopes.
    """
    rows = [("s", "seconds", 1.0), ("bytes", "MiB", 2.0**20)]
    width, height = len(AXES) * _WIDTH + _LEGEND, len(rows) * _HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        _STYLE,
        f'<rect class="paper" width="{width}" height="{height}"/>',
    ]
    looks = _looks(growth)
    for row, (unit, title, scale) in enumerate(rows):
        curves = _curves(growth, unit, scale)
        for column, axis in enumerate(AXES):
            panel = _panel(curves, axis, f"{title} by {axis}", looks)
            parts.append(f'<g transform="translate({column * _WIDTH},{row * _HEIGHT})">{panel}</g>')
        legend = _legend(curves, looks)
        parts.append(f'<g transform="translate({len(AXES) * _WIDTH + 16},{row * _HEIGHT})">{legend}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _curves(growth: Growth, unit: str, scale: float) -> Curves:
    return {
        (part, quantity, axis): [(factor, value / scale) for factor, value in curve]
        for part, quantity, axis, curve in growth.curves()
        if unit_of(quantity) == unit and all(value > 0 for _, value in curve)
    }


def _looks(growth: Growth) -> Looks:
    parts = list(dict.fromkeys(point.part for point in growth.points))
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for part, quantity, _, _ in growth.curves():
        n_before = sum(name == part and unit_of(other) == unit_of(quantity) for name, other in found)
        color, dashes = _COLORS[parts.index(part) % len(_COLORS)], _DASHES[n_before % len(_DASHES)]
        found.setdefault((part, quantity), (color, dashes))
    return found


def _panel(curves: Curves, axis: str, title: str, looks: Looks) -> str:
    heading = f'<text class="ink" x="{_LEFT}" y="18" font-weight="bold">{escape(title)}</text>'
    own = {key: curve for key, curve in curves.items() if key[2] == axis}
    if not own:
        return heading + f'<text class="faint" x="{_LEFT}" y="44">not measured</text>'
    values = [value for curve in curves.values() for _, value in curve]  # one scale for the whole row
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)

    def x(factor: float) -> float:
        return _LEFT + math.log(factor) / math.log(FACTORS[-1]) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (math.log10(value) - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    drawn = [
        *(_line_at(y(10.0**power), _label(power)) for power in range(low, high + 1)),
        *(_factor_at(x(factor), f"x{factor}") for factor in FACTORS),
        *(_linear_from(10.0**power, x, y) for power in range(low, high - 1)),
    ]
    for (part, quantity, _), curve in own.items():
        drawn.append(_path([(x(factor), y(value)) for factor, value in curve], *looks[part, quantity]))
    return heading + "".join(drawn)


def _label(power: int) -> str:
    return f"{10.0**power:g}" if -3 <= power <= 4 else f"1e{power}"


def _line_at(y: float, label: str) -> str:
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="faint" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    )


def _factor_at(x: float, label: str) -> str:
    y = _HEIGHT - _BOTTOM
    return (
        f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{y}"/>'
        f'<text class="faint" x="{x:.1f}" y="{y + 18}" text-anchor="middle">{label}</text>'
    )


def _linear_from(value: float, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    first, last = FACTORS[0], FACTORS[-1]
    return (
        f'<line class="line" x1="{x(first):.1f}" y1="{y(value):.1f}" '
        f'x2="{x(last):.1f}" y2="{y(value * last / first):.1f}"/>'
    )


def _path(points: Sequence[tuple[float, float]], color: str, dashes: str) -> str:
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{color}"/>' for x, y in points)
    return (
        f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1.8" '
        f'stroke-dasharray="{dashes}"/>{dots}'
    )


def _legend(curves: Curves, looks: Looks) -> str:
    names = list(dict.fromkeys((part, quantity) for part, quantity, _ in curves))
    heads = "".join(_slope_at(column, 18, axis, "faint") for column, axis in enumerate(AXES))
    lines = "".join(_legend_line(curves, name, looks[name], 40 + 19 * n) for n, name in enumerate(names))
    note = f'<text class="faint" x="0" y="{46 + 19 * len(names)}">slopes; dotted grey: 1, linear</text>'
    return heads + lines + note if names else ""


def _legend_line(curves: Curves, name: tuple[str, str], look: tuple[str, str], y: float) -> str:
    color, dashes = look
    mark = (
        f'<line x1="0" x2="26" y1="{y - 4}" y2="{y - 4}" stroke="{color}" stroke-width="1.8" '
        f'stroke-dasharray="{dashes}"/><circle cx="13" cy="{y - 4}" r="2.5" fill="{color}"/>'
    )
    text = f'<text class="ink" x="34" y="{y}">{escape(" ".join(_without_unit(name)))}</text>'
    slopes = "".join(
        _slope_at(column, y, f"{slope(curve):.2f}", "ink")
        for column, axis in enumerate(AXES)
        if (curve := curves.get((*name, axis)))
    )
    return mark + text + slopes


def _slope_at(column: int, y: float, text: str, ink: str) -> str:
    x = _NAMES + (column + 1) * _COLUMN
    return f'<text class="{ink}" x="{x}" y="{y}" text-anchor="end">{escape(text)}</text>'


def _without_unit(name: tuple[str, str]) -> Iterator[str]:
    """Say "item lists" and not "item lists s": a picture has one unit."""
    part, quantity = name
    yield part
    yield quantity.removesuffix(f" {unit_of(quantity)}")
