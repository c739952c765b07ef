"""Studies: one quantity is varied; a panel for every dataset, a line for every algorithm."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import pandas as pd
from markupsafe import Markup

from services.attacker.experiments.grids import Axes, Grid
from services.attacker.experiments.report import svg
from services.attacker.experiments.report.markup import details, figure, join, table, tag
from services.attacker.experiments.report.selection import (
    Spread,
    by,
    interval,
    of_grid,
    scope,
    seeds_told,
    spread,
)
from services.attacker.experiments.report.wording import (
    AXES,
    algorithm_name,
    axis_value,
    data_name,
    number,
)

_FRAME = svg.Frame(left=36, top=44, right=300, bottom=236)
_WIDTH, _HEIGHT = 356.0, 278.0
_NO_ORDER = ("weights", "model", "division", "is_shadow_defended", "factorization", "is_rehearsal")
_RECOMMENDERS = ("shadow_settings", "target_settings")
_APART = 5.0  # pixels between the algorithms at one place, so that intervals do not cover each other
_LABELS: Mapping[str, str] = {"by-interaction": "by interaction", "by-user": "by user", "mlp": "MLP"}


@dataclass(frozen=True)
class Point:
    """A figure at a place of the axis."""

    place: int
    found: Spread


@dataclass(frozen=True)
class Series:
    """The points of one algorithm, from left to right."""

    algorithm: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Study:
    """A grid with the axis that a plot shows, its values in order."""

    grid: Grid
    axis: str

    @property
    def values(self) -> list[object]:
        """Give the values of the axis in the grid's order; None where nothing is varied."""
        none_is_zero = self.axis in ("pool", "known_history", "n_shadow_users")
        return [
            None if none_is_zero and value == 0 else value for value in getattr(self.grid.vary, self.axis)
        ]

    @property
    def names(self) -> list[str]:
        """Give what stands below the axis."""
        shown = [axis_value(self.axis, value) for value in self.values]
        return [_LABELS.get(one, one) for one in shown]

    def at(self, rows: pd.DataFrame, value: object) -> pd.DataFrame:
        """Keep the rows of one value."""
        return rows[rows[self.axis].isna() if value is None else rows[self.axis] == value]


def study_figures(rows: pd.DataFrame, grid: Grid, axis: str) -> Markup:
    """Draw a study: one figure for every preset and every further quantity that the grid varies."""
    study = Study(grid, axis)
    shown = of_grid(rows, grid.name)
    return join(_facet_figure(study, name, kept) for name, kept in _facets(shown, grid, axis))


def _facets(rows: pd.DataFrame, grid: Grid, axis: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give what one figure shows: its name and its rows; panels and lines are data and target algorithm."""
    others = [name for name in Axes.model_fields if name != axis and len(getattr(grid.vary, name)) > 1]
    split = ["preset", *(name for name in _RECOMMENDERS if rows[name].nunique(dropna=False) > 1)]
    if grid.algorithms == "all":
        split.append("shadow_algorithm")
    for key, group in by(rows, *split):
        fixed = [_fixed(name, value) for name, value in zip(split, key, strict=True)]
        for values in product(*(getattr(grid.vary, name) for name in others)):
            kept, names = group, list(fixed)
            for name, value in zip(others, values, strict=True):
                kept = _of_value(kept, name, value)
                names.append(_facet_name(name, value))
            yield ", ".join(names), kept


def _fixed(name: str, value: object) -> str:
    if name == "preset":
        return str(value)
    if name == "shadow_algorithm":
        return f"shadow {algorithm_name(str(value))}"
    return f"{AXES[name]}: {axis_value(name, value)}"


def _of_value(rows: pd.DataFrame, name: str, value: object) -> pd.DataFrame:
    if name == "is_shadow_defended":
        # without a defense there is nothing to know of, and the cell stands for both attackers
        return rows[(rows[name] == value) | rows["pool"].isna()]
    if name == "is_rehearsal":
        return rows[rows[name] == value]
    wanted = rows[name].isna() if value == 0 or value is None else rows[name] == value
    return rows[wanted]


def _facet_name(name: str, value: object) -> str:
    """Name a value of a further axis."""
    if name == "is_shadow_defended":
        return "shadow defended alike" if value else "attacker does not know of the defense"
    return f"{AXES[name]} {axis_value(name, None if value == 0 else value)}"


def _facet_figure(study: Study, name: str, rows: pd.DataFrame) -> Markup:
    if rows.empty:
        return tag("p", f"Nothing was measured for {name}.", class_="nothing")
    all_series = {
        data_name(*pair): series(study, group) for pair, group in by(rows, "shadow_dataset", "target_dataset")
    }
    lowest = min(point.found.low for found in all_series.values() for one in found for point in one.points)
    floor = 0.0 if lowest < 0.4 else 0.4
    panels = [_panel(study, one, found, floor) for one, found in all_series.items()]
    bars = seeds_told(rows, "bars: 95\N{NO-BREAK SPACE}% interval of the only seed (DeLong)")
    of_kind = "shadow and target of one kind; " if study.grid.algorithms == "same" else ""
    cut = "" if floor == 0 else " The axis begins at 0.4."
    caption = (
        f"{name}. ROC AUC by {AXES[study.axis]}; {of_kind}{bars}; dashed: chance. Places on the axis are "
        f"evenly spaced.{cut} {scope(rows)}"
    )
    values = details("Values as a table", _values(study, rows))
    return figure(caption, tag("h4", name), tag("div", *panels, class_="panels"), values)


def series(study: Study, rows: pd.DataFrame) -> list[Series]:
    """Sum up the rows of one dataset: a series for every algorithm, a point where something was measured."""
    found = []
    for (algorithm,), of_it in by(rows, "target_algorithm"):
        at = [interval(study.at(of_it, value)) for value in study.values]
        points = tuple(Point(place, one) for place, one in enumerate(at) if one is not None)
        found.append(Series(str(algorithm), points))
    return [one for one in found if one.points]


def _panel(study: Study, name: str, found: Sequence[Series], floor: float) -> Markup:
    y = svg.Linear(floor, 1.0, _FRAME.bottom, _FRAME.top)
    n_places = len(study.values)
    step = (_FRAME.right - _FRAME.left) / n_places
    ticks_y = (
        [floor + (1 - floor) * at / 5 for at in range(6)]
        if floor == 0
        else [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    )
    names = [(_FRAME.left + (place + 0.5) * step, words) for place, words in enumerate(study.names)]
    parts = [
        svg.text(_FRAME.left, 14, name, class_="panel"),
        svg.axis_x(_FRAME, names, AXES[study.axis], is_grid=False),
        svg.axis_y(_FRAME, [(y(value), f"{value:.1f}") for value in ticks_y], "ROC AUC"),
        svg.path([(_FRAME.left, y(0.5)), (_FRAME.right, y(0.5))], "chance"),
    ]
    for kind, one in enumerate(found):
        shift = (kind - (len(found) - 1) / 2) * _APART
        spots = [(_FRAME.left + (point.place + 0.5) * step + shift, point.found) for point in one.points]
        parts.append(_line(spots, y, kind, one.algorithm, study))
    parts.append(_labels(found, y))
    told = "; ".join(
        f"{algorithm_name(one.algorithm)}: {', '.join(number(point.found.mean) for point in one.points)}"
        for one in found
    )
    return svg.canvas(_WIDTH, _HEIGHT, *parts, title=f"{study.grid.title}, {name}", desc=told)


def _line(
    spots: Sequence[tuple[float, Spread]], y: svg.Linear, kind: int, algorithm: str, study: Study
) -> Markup:
    parts = []
    if study.axis not in _NO_ORDER and len(spots) > 1:
        parts.append(svg.path([(x, y(found.mean)) for x, found in spots], f"curve s{kind % svg.MARKS}"))
    for x, found in spots:
        told = f"{algorithm_name(algorithm)}: {number(found.mean)} ({found.ends})"
        parts.append(svg.line(x, y(found.low), x, y(found.high), f"bar s{kind % svg.MARKS}"))
        parts.append(svg.mark(x, y(found.mean), kind, title=told))
    return join(parts)


def _labels(found: Sequence[Series], y: svg.Linear) -> Markup:
    """Write the name of each line at its right end."""
    ends = [y(one.points[-1].found.mean) + 4 for one in found]
    places = svg.spread_labels(ends, gap=14, low=_FRAME.top + 4, high=_FRAME.bottom + 4)
    return join(
        svg.text(_FRAME.right + 14, place, algorithm_name(one.algorithm), class_=f"label s{kind % svg.MARKS}")
        + svg.mark(_FRAME.right + 6, place - 4, kind)
        for kind, (one, place) in enumerate(zip(found, places, strict=True))
    )


def _values(study: Study, rows: pd.DataFrame) -> Markup:
    lines = []
    for (shadow, target, algorithm), here in by(rows, "shadow_dataset", "target_dataset", "target_algorithm"):
        for value, name in zip(study.values, study.names, strict=True):
            at = study.at(here, value)
            found, accuracy = interval(at), spread(at["balanced_accuracy"])
            figures = [found.mean, found.low, found.high] if found else [None, None, None]
            shown = [number(one) for one in [*figures, accuracy.mean if accuracy else None]]
            lines.append([f"{algorithm_name(algorithm)} on {data_name(shadow, target)}", name, *shown])
    head = ["target", AXES[study.axis], "ROC AUC", "from", "to", "balanced accuracy"]
    return table(head, lines, n_row_heads=2)
