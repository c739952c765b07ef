"""Drawings: a canvas with title and description, scales, axes and marks."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from markupsafe import Markup

from services.attacker.experiments.report.markup import Attribute, join, tag

MARKS = 3
"""How many lines have a color and a mark of their own; classes `s0`, `s1`, ... of the style sheet."""


@dataclass(frozen=True)
class Linear:
    """Values to pixels, evenly; `start` and `end` may run downwards."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Give the pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True)
class Log:
    """Positive values to pixels, by their logarithm; a smaller value than `low` is drawn at `low`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Give the pixel of a value."""
        share = log10(max(value, self.low) / self.low) / log10(self.high / self.low)
        return self.start + share * (self.end - self.start)


Mapped = Linear | Log


@dataclass(frozen=True)
class Frame:
    """The part of a drawing inside the axes, in pixels."""

    left: float
    top: float
    right: float
    bottom: float


def canvas(width: float, height: float, *children: str, title: str, desc: str, class_: str = "") -> Markup:
    """Make a drawing that scales to the width it is given and says what it shows."""
    return tag(
        "svg",
        tag("title", title),
        tag("desc", desc),
        *children,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=title,
        class_=class_ or None,
        style=f"max-width:{width * 1.25:g}px",
    )


def text(
    x: float, y: float, words: str, *, class_: str = "", anchor: str = "start", **more: Attribute
) -> Markup:
    """Write words at a point; `anchor` is start, middle or end."""
    return tag("text", words, x=float(x), y=float(y), class_=class_ or None, text_anchor=anchor, **more)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Draw a straight line."""
    return tag("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), class_=class_)


def path(points: Sequence[tuple[float, float]], class_: str, *, title: str | None = None) -> Markup:
    """Draw a line through points."""
    told = [tag("title", title)] if title else []
    way = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return tag("path", *told, d=way, class_=class_)


def mark(x: float, y: float, kind: int, *, title: str | None = None) -> Markup:
    """Draw a circle, a square or a triangle, so that lines differ without color too."""
    told = [tag("title", title)] if title else []
    class_ = f"mark s{kind % MARKS}"
    if kind % MARKS == 0:
        return tag("circle", *told, cx=float(x), cy=float(y), r=3.6, class_=class_)
    if kind % MARKS == 1:
        return tag("rect", *told, x=x - 3.3, y=y - 3.3, width=6.6, height=6.6, class_=class_)
    return tag("path", *told, d=f"M{x:.1f} {y - 4.4:.1f}l4.2 7.4h-8.4z", class_=class_)


def axis_x(frame: Frame, ticks: Sequence[tuple[float, str]], name: str, *, is_grid: bool = True) -> Markup:
    """Draw the lower axis: ticks (pixel, words) and the name below them."""
    parts = [line(frame.left, frame.bottom, frame.right, frame.bottom, "axis")]
    for x, words in ticks:
        parts.append(line(x, frame.top if is_grid else frame.bottom, x, frame.bottom + 4, "grid"))
        parts.append(text(x, frame.bottom + 16, words, class_="tick", anchor="middle"))
    middle = (frame.left + frame.right) / 2
    return join([*parts, text(middle, frame.bottom + 33, name, class_="name", anchor="middle")])


def axis_y(frame: Frame, ticks: Sequence[tuple[float, str]], name: str) -> Markup:
    """Draw the left axis: ticks (pixel, words) and the name above it."""
    parts = []
    for y, words in ticks:
        parts.append(line(frame.left, y, frame.right, y, "grid"))
        parts.append(text(frame.left - 6, y + 4, words, class_="tick", anchor="end"))
    return join([*parts, text(4, frame.top - 9, name, class_="name")])


def spread_labels(wanted: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Move labels apart so that none covers another: places in the order given, near those wanted."""
    order = sorted(range(len(wanted)), key=lambda one: wanted[one])
    placed: list[float] = []
    for one in order:
        placed.append(max(wanted[one], placed[-1] + gap if placed else low))
    limit = high
    for place in reversed(range(len(placed))):
        placed[place] = min(placed[place], limit)
        limit = placed[place] - gap
    return [placed[order.index(one)] for one in range(len(wanted))]
