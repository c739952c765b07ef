"""ROC curves in small multiples, linear and with both axes by their logarithm, and the rates at a low FPR."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from services.attacker.experiments.report import svg
from services.attacker.experiments.report.markup import figure, join, table, tag
from services.attacker.experiments.report.selection import by, scope, seeds_told, spread
from services.attacker.experiments.report.wording import (
    NOTHING,
    PERCENT,
    algorithm_name,
    dataset_name,
    number,
    side_name,
    span,
)

_FRAME = svg.Frame(left=44, top=42, right=330, bottom=258)
_WIDTH, _HEIGHT = 342.0, 298.0
_N_POINTS = 160
_RATES = tuple((rate, f"{share}{PERCENT}") for rate, share in (("0.1", 10), ("0.01", 1), ("0.001", 0.1)))


@dataclass(frozen=True)
class Curve:
    """The ROC curve of one cell and seed.

    fpr, tpr  (n_points,) float64 in [0, 1], both not falling
    """

    preset: str
    dataset: str
    algorithm: str
    seed: int
    auc: float
    smallest_fpr: float
    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]


def roc_figures(curves: Sequence[Curve], rows: pd.DataFrame) -> Markup:
    """Draw the curves of each preset, a panel for every dataset, first linear, then logarithmic."""
    presets = list(dict.fromkeys(curve.preset for curve in curves))
    return join(
        _preset_figure(preset, [one for one in curves if one.preset == preset], rows) for preset in presets
    )


def _preset_figure(preset: str, curves: Sequence[Curve], rows: pd.DataFrame) -> Markup:
    names = list(dict.fromkeys(curve.dataset for curve in curves))
    panels = [
        _panel([one for one in curves if one.dataset == name], dataset_name(name), is_log=is_log)
        for is_log in (False, True)
        for name in names
    ]
    shown = rows[rows["preset"] == preset]
    caption = (
        f"{preset}, shadow and target of one kind (assumption I). ROC curves of the attack's scores, members "
        "positive; dashed: chance. Linear first, then with both axes logarithmic, where the dotted line is "
        "the smallest FPR above 0 that the sample resolves. The legend gives the ROC "
        f"AUC{_each_seed(shown)}. {scope(shown)}"
    )
    return figure(caption, tag("h4", preset), tag("div", *panels, class_="panels"))


def _each_seed(rows: pd.DataFrame) -> str:
    return "" if rows["seed"].nunique() < 2 else "; one line per seed, mean over seeds in the legend"


def _panel(curves: Sequence[Curve], name: str, *, is_log: bool) -> Markup:
    """Draw the curves of one dataset on one pair of axes."""
    resolved = max(curve.smallest_fpr for curve in curves)
    low = 10.0 ** floor(log10(min(curve.smallest_fpr for curve in curves))) if is_log else 0.0
    make = svg.Log if is_log else svg.Linear
    x, y = make(low, 1, _FRAME.left, _FRAME.right), make(low, 1, _FRAME.bottom, _FRAME.top)
    ticks = [10.0**power for power in range(round(log10(low)), 1)] if is_log else [0, 0.25, 0.5, 0.75, 1]
    parts = [
        svg.text(_FRAME.left, 14, f"{name}, {'log-log' if is_log else 'linear'}", class_="panel"),
        svg.axis_x(_FRAME, [(x(tick), f"{tick:g}") for tick in ticks], "false-positive rate"),
        svg.axis_y(_FRAME, [(y(tick), f"{tick:g}") for tick in ticks], "true-positive rate"),
        svg.path([(x(low), y(low)), (x(1), y(1))], "chance"),
    ]
    if is_log:
        parts.append(svg.line(x(resolved), _FRAME.top, x(resolved), _FRAME.bottom, "resolved"))
    algorithms = list(dict.fromkeys(curve.algorithm for curve in curves))
    for curve in curves:
        kind = algorithms.index(curve.algorithm)
        told = f"{side_name(curve.dataset, curve.algorithm)}, seed {curve.seed}: ROC AUC {number(curve.auc)}"
        points = _sampled(curve, low, is_log=is_log)
        parts.append(svg.path([(x(a), y(b)) for a, b in points], f"curve s{kind % svg.MARKS}", title=told))
    title = f"ROC curves on {name}, {'log-log' if is_log else 'linear'}"
    legend, desc = _legend(curves, algorithms)
    return svg.canvas(_WIDTH, _HEIGHT, *parts, legend, title=title, desc=desc)


def _legend(curves: Sequence[Curve], algorithms: Sequence[str]) -> tuple[Markup, str]:
    parts, told = [], []
    for at, algorithm in enumerate(algorithms):
        mean = float(np.mean([curve.auc for curve in curves if curve.algorithm == algorithm]))
        words = f"{algorithm_name(algorithm)} {number(mean)}"
        y = _FRAME.bottom - 12 - 17 * (len(algorithms) - 1 - at)
        parts.append(svg.mark(_FRAME.right - 92, y - 4, at))
        parts.append(svg.text(_FRAME.right - 82, y, words, class_=f"label s{at % svg.MARKS}"))
        told.append(words)
    return join(parts), f"ROC AUC: {', '.join(told)}"


def _sampled(curve: Curve, low: float, *, is_log: bool) -> list[tuple[float, float]]:
    """Read a curve at places that suit the axis; between two vertices it is straight on linear axes."""
    if not is_log:
        return [(float(a), float(b)) for a, b in zip(curve.fpr, curve.tpr, strict=True)]
    last = np.append(np.diff(curve.fpr) > 0, True)  # the highest TPR reached at each FPR
    places = np.geomspace(low, 1, _N_POINTS)
    rates = np.interp(places, curve.fpr[last], curve.tpr[last])
    return [(float(a), float(b)) for a, b in zip(places, rates, strict=True) if b >= low]


def rates_table(rows: pd.DataFrame) -> Markup:
    """Tabulate the TPR at 10, 1 and 0.1 % FPR; what the sample cannot resolve is marked."""
    head = ["target", "preset", *(f"TPR at {name} FPR" for _, name in _RATES), "smallest FPR"]
    lines = []
    for (dataset, algorithm, preset), group in by(rows, "target_dataset", "target_algorithm", "preset"):
        cells = [_rate(group, rate) for rate, _ in _RATES]
        smallest = spread(group["smallest_fpr"])
        lines.append(
            [side_name(dataset, algorithm), preset, *cells, f"{smallest.mean:.5f}" if smallest else NOTHING]
        )
    between = seeds_told(rows, f"with its 95{PERCENT} Clopper-Pearson interval")
    caption = (
        f"True-positive rate at three false-positive rates, assumption I, {between}. \N{DAGGER} marks a rate "
        "that the sample cannot resolve: fewer than one of the others could be wrong, so the figure is that "
        f"of no false positive at all. {scope(rows)}"
    )
    return figure(caption, table(head, lines, n_row_heads=2))


def _rate(rows: pd.DataFrame, rate: str) -> str:
    name = f"tpr_at_fpr_{rate}"
    found = spread(rows[name])
    if found is None:
        return NOTHING
    first: Any = rows.iloc[0]
    ends = found.ends if found.n > 1 else span(float(first[f"{name}_low"]), float(first[f"{name}_high"]))
    shown = Markup("{} ") + tag("span", f"({ends})", class_="ends")
    if not (rows[f"{name}_is_resolved"] > 0).all():
        return tag("span", shown.format(number(found.mean) + "\N{DAGGER}"), class_="unresolved")
    return shown.format(number(found.mean))
