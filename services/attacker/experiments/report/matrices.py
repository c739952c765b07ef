"""The paper's tables 3 to 5 and figure 3, and the matrix of all cells: ours, published, difference."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from services.attacker.experiments.cells import LETTER_OF_ALGORITHM, LETTER_OF_DATASET
from services.attacker.experiments.grids import Grid
from services.attacker.experiments.report.colors import DIFFERENCE, SEPARATION, Scale
from services.attacker.experiments.report.heatmap import SMALL, WIDE, Entry, Shape, heatmap
from services.attacker.experiments.report.markup import details, figure, join, table, tag
from services.attacker.experiments.report.selection import (
    Spread,
    by,
    of_grid,
    scope,
    seeds_told,
    spread,
    usual,
    varied,
)
from services.attacker.experiments.report.wording import (
    AXES,
    algorithm_name,
    axis_value,
    dataset_name,
    number,
    plural,
    side_name,
    signed,
)
from shared.attacks import AttackPreset
from shared.recommenders.base import Algorithm

METRICS: Mapping[str, str] = {"auc": "ROC AUC", "balanced_accuracy": "balanced accuracy"}
Labels = tuple[str, str]


@dataclass(frozen=True)
class Summary:
    """A cell over its seeds: both metrics and the published figure."""

    name: str
    auc: Spread | None
    balanced_accuracy: Spread | None
    published: float | None

    def of(self, metric: str) -> Spread | None:
        """Give the figure by the name of its metric."""
        return self.auc if metric == "auc" else self.balanced_accuracy


def metric_of(preset: str) -> str:
    """Say by which metric a preset is compared: the paper's own, balanced accuracy, for its presets."""
    return "auc" if preset == AttackPreset.DIFFERENCE else "balanced_accuracy"


def summarize(rows: pd.DataFrame) -> Summary:
    """Sum up the rows of one cell."""
    first = rows.iloc[0]
    sides = [side_name(first[f"{one}_dataset"], first[f"{one}_algorithm"]) for one in ("shadow", "target")]
    published = rows["published"].dropna()
    return Summary(
        f"shadow {sides[0]}, target {sides[1]}",
        spread(rows["auc"]),
        spread(rows["balanced_accuracy"]),
        float(published.iloc[0]) if len(published) else None,
    )


def grid_matrices(rows: pd.DataFrame, grid: Grid) -> Markup:
    """Draw a table of the paper: for each preset its cells, the published ones and the differences."""
    shown = of_grid(rows, grid.name)
    label, sides, shape = _layout(grid)
    facets = [name for name in varied(shown) if name != "preset"]
    if shown.empty:
        return tag("p", "Nothing was measured.", class_="nothing")
    return join(
        _preset_figure(_facet(facets, key), group, label, sides, shape)
        for key, group in by(shown, "preset", *facets)
    )


def _layout(grid: Grid) -> tuple[Callable[["pd.Series[Any]"], Labels], Labels, Shape]:
    """Say what rows and columns are: no two cells of a grid may share a place."""
    if len(grid.datasets) == 1:
        return _by_algorithm, ("shadow", "target"), SMALL
    if grid.algorithms == "same" and all(shadow == target for shadow, target in grid.datasets):
        return _by_dataset, ("dataset", "algorithm"), SMALL
    return _by_code, ("shadow", "target"), WIDE


def _facet(names: Sequence[str], key: Sequence[object]) -> tuple[str, str]:
    """Give the preset and, in words, whatever else a figure holds fixed."""
    told = [f"{AXES[name]}: {axis_value(name, value)}" for name, value in zip(names, key[1:], strict=True)]
    return str(key[0]), ", ".join([str(key[0]), *told])


def whole_matrix(rows: pd.DataFrame) -> Markup:
    """Draw every cell in the paper's setting, all shadows against all targets, for each preset."""
    kept = usual(rows)
    return join(
        _preset_figure((preset, preset), group, _by_code, ("shadow", "target"), WIDE)
        for (preset,), group in by(kept, "preset")
    )


def cells_table(rows: pd.DataFrame) -> Markup:
    """List every cell in the paper's setting with all that the matrices say."""
    head = ["cell", "preset", "ROC AUC", "from", "to", "balanced accuracy", "from", "to", "published"]
    lines = []
    for (_, _, _, _, preset), group in by(usual(rows), *_SIDES, "preset"):
        found = summarize(group)
        figures = [
            number(value)
            for one in (found.auc, found.balanced_accuracy)
            for value in ((one.mean, one.low, one.high) if one else (None, None, None))
        ]
        lines.append([str(group["code"].iloc[0]), str(preset), *figures, number(found.published)])
    return details("All cells of the matrices as a table", table(head, lines, n_row_heads=2))


_SIDES = ("shadow_dataset", "shadow_algorithm", "target_dataset", "target_algorithm")


def _preset_figure(
    facet: tuple[str, str],
    rows: pd.DataFrame,
    label: Callable[["pd.Series[Any]"], Labels],
    sides: Labels,
    shape: Shape,
) -> Markup:
    preset, name = facet
    cells = {label(group.iloc[0]): summarize(group) for _, group in by(rows, *_SIDES)}
    names = _ordered(cells, 0), _ordered(cells, 1)
    metric = metric_of(preset)
    panels = [_ours(cells, metric, is_small=shape is SMALL)]
    if shape is WIDE and metric != "auc":
        panels.append(("ours, ROC AUC", _entries(cells, lambda one: _plain(one, "auc")), SEPARATION))
    if any(one.published is not None for one in cells.values()):
        panels.append(("published", _entries(cells, _published), SEPARATION))
        panels.append(("ours minus published", _entries(cells, lambda one: _gap(one, metric)), DIFFERENCE))
    drawn = [
        heatmap(title, *names, found, scale=scale, shape=shape, sides=sides) for title, found, scale in panels
    ]
    class_ = "panels" if shape is SMALL else f"panels wide{len(panels)}"
    return figure(_caption(name, metric, rows, shape), tag("h4", name), tag("div", *drawn, class_=class_))


def _caption(name: str, metric: str, rows: pd.DataFrame, shape: Shape) -> str:
    compared = (
        "Ours is the ROC AUC of the scores; the published figure is balanced accuracy under the name of "
        "AUC, so the difference compares two metrics."
        if metric == "auc"
        else "Ours is balanced accuracy at the attack's own threshold, which is what the paper's code "
        "computes and calls AUC; the ROC AUC of the same scores stands beside it."
    )
    random = spread(rows["baseline_random_guess_auc"])
    guess = f" A random guess for the same users scores {random.ends} (ROC AUC)." if random else ""
    each = seeds_told(rows, "the figure of the only seed")
    if shape is WIDE and rows["seed"].nunique() > 1:
        each = f"mean over {plural(rows['seed'].nunique(), 'seed')}; the ends stand in the table of all cells"
    return f"{name}. {compared} In each cell: {each}. {scope(rows)}{guess}"


def _ours(
    cells: Mapping[Labels, Summary], metric: str, *, is_small: bool
) -> tuple[str, dict[Labels, Entry], Scale]:
    def entry(one: Summary) -> Entry | None:
        plain = _plain(one, metric)
        found = one.of(metric)
        if plain is None or found is None or not is_small:
            return plain
        words = list(plain.words)
        if found.n > 1:
            words.append(found.ends)
        if metric != "auc" and one.auc:
            words.append(f"ROC AUC {number(one.auc.mean)}")
        return Entry(plain.value, tuple(words), plain.about)

    return f"ours, {METRICS[metric]}", _entries(cells, entry), SEPARATION


def _entries(cells: Mapping[Labels, Summary], make: Callable[[Summary], Entry | None]) -> dict[Labels, Entry]:
    made = {labels: make(one) for labels, one in cells.items()}
    return {labels: entry for labels, entry in made.items() if entry}


def _plain(one: Summary, metric: str) -> Entry | None:
    found = one.of(metric)
    if found is None:
        return None
    ends = f", {found.ends} over {found.n} seeds" if found.n > 1 else ""
    return Entry(
        found.mean, (number(found.mean),), f"{one.name}: {METRICS[metric]} {number(found.mean)}{ends}"
    )


def _published(one: Summary) -> Entry | None:
    if one.published is None:
        return None
    return Entry(one.published, (number(one.published),), f"{one.name}: published {number(one.published)}")


def _gap(one: Summary, metric: str) -> Entry | None:
    found = one.of(metric)
    if found is None or one.published is None:
        return None
    gap = found.mean - one.published
    about = f"{one.name}: {METRICS[metric]} {number(found.mean)}, published {number(one.published)}"
    return Entry(gap, (signed(gap),), f"{about}, difference {signed(gap)}")


def _ordered(cells: Mapping[Labels, Summary], side: int) -> Sequence[str]:
    """Give the names of rows or columns: in the paper's order where it has one, as they come elsewhere."""
    found = list(dict.fromkeys(labels[side] for labels in cells))
    known = [letters for letters in _CODES if letters in found]
    return [*known, *(name for name in found if name not in known)]


_CODES = [data + way for data in LETTER_OF_DATASET.values() for way in LETTER_OF_ALGORITHM.values()]


def _by_dataset(row: "pd.Series[Any]") -> Labels:
    return dataset_name(row["target_dataset"]), algorithm_name(row["target_algorithm"])


def _by_algorithm(row: "pd.Series[Any]") -> Labels:
    return algorithm_name(row["shadow_algorithm"]), algorithm_name(row["target_algorithm"])


def _by_code(row: "pd.Series[Any]") -> Labels:
    return _code(row, "shadow"), _code(row, "target")


def _code(row: "pd.Series[Any]", part: str) -> str:
    dataset, algorithm = row[f"{part}_dataset"], row[f"{part}_algorithm"]
    if dataset not in LETTER_OF_DATASET or Algorithm(algorithm) not in LETTER_OF_ALGORITHM:
        return side_name(dataset, algorithm)
    return LETTER_OF_DATASET[dataset] + LETTER_OF_ALGORITHM[Algorithm(algorithm)]
