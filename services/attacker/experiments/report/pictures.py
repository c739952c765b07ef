"""User features as a picture: projected on their two principal axes and colored by membership."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from services.attacker.experiments.report import svg
from services.attacker.experiments.report.markup import figure, join, tag
from services.attacker.experiments.report.selection import scope
from services.attacker.experiments.report.wording import count, number, side_name

MOST_POINTS = 200
"""How many users of each kind a picture shows at most."""

_SIZE, _TOP = 236.0, 24.0


@dataclass(frozen=True)
class Picture:
    """The users of one target.

    points     (n_users, 2) float32, principal axes
    is_member  (n_users,) bool
    """

    dataset: str
    algorithm: str
    preset: str
    seed: int
    auc: float
    points: NDArray[np.float32]
    is_member: NDArray[np.bool_]


def thinned(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """Keep at most so many rows, evenly spread over their order; the same ones every time."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(np.intp)]


def picture_figure(pictures: Sequence[Picture], rows: pd.DataFrame) -> Markup:
    """Draw small multiples, one for every target."""
    if not pictures:
        return tag("p", "No pictures are stored.", class_="nothing")
    first = pictures[0]
    shown = rows[(rows["seed"] == first.seed) & (rows["preset"] == first.preset)]
    legend = tag(
        "p",
        tag("span", "\N{BLACK CIRCLE} members", class_="member"),
        " \N{NO-BREAK SPACE} ",
        tag("span", "\N{WHITE CIRCLE} others", class_="other"),
        class_="legend",
    )
    caption = (
        f"{first.preset}, assumption I. User features of the target projected on their two principal axes "
        f"(PCA of the judged users, labels not used); at most {MOST_POINTS} members and {MOST_POINTS} others "
        "are drawn, evenly thinned in the order of users; axes have no unit and are scaled to the points of "
        f"each picture. Two axes out of l: what overlaps here can still be separate. {scope(shown)}"
    )
    return figure(caption, legend, tag("div", *map(_panel, pictures), class_="panels small"))


def _panel(picture: Picture) -> Markup:
    """Draw others first, members above them."""
    kinds = [(~picture.is_member, "other"), (picture.is_member, "member")]
    chosen = [(thinned(np.flatnonzero(is_it), MOST_POINTS), class_) for is_it, class_ in kinds]
    drawn = np.concatenate([rows for rows, _ in chosen])
    x, y = _scales(picture.points[drawn])
    dots = [
        tag("circle", cx=x(float(a)), cy=y(float(b)), r=2.3, class_=class_)
        for rows, class_ in chosen
        for a, b in picture.points[rows]
    ]
    name = side_name(picture.dataset, picture.algorithm)
    box = tag("rect", x=0.5, y=_TOP, width=_SIZE - 1, height=_SIZE - 1, class_="box")
    words = svg.text(0, 14, name, class_="panel")
    figures = svg.text(_SIZE - 2, 14, f"ROC AUC {number(picture.auc)}", class_="tick", anchor="end")
    n_others, n_members = (count(len(rows)) for rows, _ in chosen)
    desc = f"{n_members} members and {n_others} others; ROC AUC {number(picture.auc)}."
    title = f"User features, {name}"
    return svg.canvas(_SIZE, _SIZE + _TOP, box, join(dots), words, figures, title=title, desc=desc)


def _scales(points: NDArray[np.float32]) -> tuple[svg.Linear, svg.Linear]:
    """Fit the box to the points; a picture without any extent puts them in the middle."""
    low, high = points.min(axis=0).astype(float), points.max(axis=0).astype(float)
    pad = np.where(high > low, 0.05 * (high - low), 1.0)
    low, high = low - pad, high + pad
    return (
        svg.Linear(low[0], high[0], 0, _SIZE),
        svg.Linear(low[1], high[1], _TOP + _SIZE, _TOP),
    )
