"""A matrix drawn as colored cells with their values written inside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from services.attacker.experiments.report import svg
from services.attacker.experiments.report.colors import Scale, text_color
from services.attacker.experiments.report.markup import join, tag
from services.attacker.experiments.report.wording import NOTHING, number

_TOP, _LEFT, _LEGEND = 64.0, 64.0, 38.0


@dataclass(frozen=True)
class Entry:
    """A cell: the value that colors it, what is written (the first line large) and what hovering tells."""

    value: float
    words: tuple[str, ...]
    about: str


@dataclass(frozen=True)
class Shape:
    """How large cells are, and after how many a wider gap separates groups; 0 = never."""

    width: float
    height: float
    group: int = 0
    gap: float = 5.0

    def place(self, number: int, size: float) -> float:
        """Give where a row or column begins."""
        return number * size + (number // self.group * self.gap if self.group else 0.0)


SMALL = Shape(96.0, 60.0)
WIDE = Shape(46.0, 34.0, group=3)


def heatmap(
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    entries: Mapping[tuple[str, str], Entry],
    *,
    scale: Scale,
    shape: Shape = SMALL,
    sides: tuple[str, str] = ("shadow", "target"),
) -> Markup:
    """Draw one matrix; a cell that has no entry is an empty box with a dash.

    sides  what rows and columns stand for
    """
    width = _LEFT + shape.place(len(columns) - 1, shape.width) + shape.width + 2
    bottom = _TOP + shape.place(len(rows) - 1, shape.height) + shape.height
    parts = [
        svg.text(0, 14, title, class_="panel"),
        svg.text(_LEFT - 7, _TOP - 10, f"{sides[0]} \N{DOWNWARDS ARROW}", class_="tick", anchor="end"),
        svg.text(_LEFT, 36, f"{sides[1]} \N{RIGHTWARDS ARROW}", class_="tick"),
    ]
    for at, name in enumerate(columns):
        x = _LEFT + shape.place(at, shape.width) + shape.width / 2
        parts.append(svg.text(x, _TOP - 10, name, class_="head", anchor="middle"))
    for at, name in enumerate(rows):
        y = _TOP + shape.place(at, shape.height)
        parts.append(svg.text(_LEFT - 7, y + shape.height / 2 + 4, name, class_="head", anchor="end"))
        for across, column in enumerate(columns):
            x = _LEFT + shape.place(across, shape.width)
            parts.append(_cell(x, y, shape, entries.get((name, column)), scale))
    desc = "; ".join(entry.about for entry in entries.values()) or "No figures."
    parts.append(_legend(scale, y=bottom + 14, width=width - _LEFT - 2))
    return svg.canvas(
        width, bottom + _LEGEND, *parts, title=title, desc=desc, class_="dense" if shape is WIDE else ""
    )


def _cell(x: float, y: float, shape: Shape, entry: Entry | None, scale: Scale) -> Markup:
    box = {"x": x + 0.5, "y": y + 0.5, "width": shape.width - 1, "height": shape.height - 1}
    middle = x + shape.width / 2
    if entry is None:
        dash = svg.text(middle, y + shape.height / 2 + 4, NOTHING, class_="tick", anchor="middle")
        return tag("rect", class_="empty", **box) + dash
    fill = scale.color(entry.value)
    ink = text_color(fill)
    words, first = [], y + shape.height / 2 + 5 - 6.5 * (len(entry.words) - 1)
    for at, told in enumerate(entry.words):
        class_ = "value" if at == 0 else "small"
        words.append(
            svg.text(middle, first + 13.5 * at, told, class_=class_, anchor="middle", style=f"fill:{ink}")
        )
    return tag("g", tag("title", entry.about), tag("rect", fill=fill, **box), *words)


def _legend(scale: Scale, *, y: float, width: float) -> Markup:
    """Draw the scale as a bar with its ends and middle named."""
    n_steps = 32
    step = width / n_steps
    values = [scale.low + (scale.high - scale.low) * (at + 0.5) / n_steps for at in range(n_steps)]
    bar = [
        tag("rect", x=_LEFT + at * step, y=y, width=step + 0.3, height=6, fill=scale.color(value))
        for at, value in enumerate(values)
    ]
    middle = (scale.low + scale.high) / 2
    ticks = ((scale.low, "start"), (middle, "middle"), (scale.high, "end"))
    names = [
        svg.text(_LEFT + width * at / 2, y + 19, number(value, 1), class_="tick", anchor=anchor)
        for at, (value, anchor) in enumerate(ticks)
    ]
    return join([*bar, *names])
