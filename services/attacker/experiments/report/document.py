"""The report of a run: one HTML file that stands alone, made from the run's tables and stored arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from services.attacker.experiments import results
from services.attacker.experiments.failures import read_failures, write_whole
from services.attacker.experiments.grids import Grid, grid_folder, load_grids
from services.attacker.experiments.report.curves import rates_table, roc_figures
from services.attacker.experiments.report.markup import join
from services.attacker.experiments.report.matrices import cells_table, grid_matrices, whole_matrix
from services.attacker.experiments.report.pictures import picture_figure
from services.attacker.experiments.report.reading import reading
from services.attacker.experiments.report.selection import (
    diagonal,
    of_grid,
    prepare,
    prepare_qualities,
    same_sides,
    usual,
)
from services.attacker.experiments.report.stored import stored_curves, stored_pictures
from services.attacker.experiments.report.studies import study_figures
from services.attacker.experiments.report.tables import (
    control_table,
    coverage_table,
    failure_table,
    glossary,
    hit_rate_table,
    runtime_table,
)
from services.attacker.experiments.report.wording import DATASETS
from services.attacker.experiments.runs import Plan, Saved
from shared.artifacts import ArtifactStore
from shared.attacks import AttackPreset

REPORT_FILE = "report.html"


@dataclass(frozen=True)
class Section:
    """A part of the report: its anchor, its heading, what it is about and what it shows."""

    name: str
    title: str
    about: str
    body: Markup


def write_report(folder: Path, plan: Plan, store: ArtifactStore, *, grids: Sequence[Grid]) -> Path:
    """Write `report.html` beside the results of a run and give its path; equal input gives equal bytes.

    folder  of a run whose results are written; see `results.write`
    grids   those of the run, in the order in which the report shows them
    Curves and pictures are read from the store; what is not stored any more is left out and counted.
    Raises BadInput if the folder holds no run or no results.
    """
    cells, qualities = results.read(folder)
    rows, qualities = prepare(cells, plan), prepare_qualities(qualities)
    failures = read_failures(folder)
    saved = Saved.load(folder)
    run = _Run(rows, qualities, _times(folder), failures, store)
    page = _template().render(
        about=_about(saved),
        title=_title(saved, grids),
        topics=reading(rows, qualities, failures, len(plan.cells)),
        sections=_sections(run, grids),
        style=Markup(_resource("report.css")),
    )
    path = folder / REPORT_FILE
    write_whole(path, page)
    return path


@dataclass(frozen=True)
class _Run:
    """What a run left: cells, hit rates, seconds of jobs, failures and arrays."""

    rows: pd.DataFrame
    qualities: pd.DataFrame
    times: pd.DataFrame
    failures: Mapping[str, str]
    store: ArtifactStore


def _sections(run: _Run, grids: Sequence[Grid]) -> list[Section]:
    rows = run.rows
    shown = [_grid_section(grid, rows, run.qualities) for grid in grids]
    parts = [
        *(one for one in shown if one),
        *_matrix_section(rows),
        *_stored_sections(rows, run.store),
        *_table_sections(rows),
    ]
    if run.failures:
        about = "Each failed alone; nothing was put in the place of its figures."
        parts.append(Section("failures", "What failed", about, failure_table(run.failures)))
    parts.append(Section("runtime", "Runtime", "", runtime_table(run.times)))
    parts.append(Section("glossary", "Words", "", glossary()))
    return parts


def _grid_section(grid: Grid, rows: pd.DataFrame, qualities: pd.DataFrame) -> Section | None:
    if grid.kind == "hit-rate":
        body = hit_rate_table(of_grid(qualities, grid.name))
    elif grid.x is not None:
        body = study_figures(rows, grid, grid.x)
    elif _is_in_whole(of_grid(rows, grid.name)):
        return None
    else:
        body = grid_matrices(rows, grid)
    return Section(grid.name, grid.title, grid.about, body)


def _is_in_whole(rows: pd.DataFrame) -> bool:
    """Say whether the matrix of all cells shows a grid: cells across datasets in the paper's setting."""
    return _is_across(rows) and len(usual(rows)) == len(rows)


def _is_across(rows: pd.DataFrame) -> bool:
    return bool((rows["shadow_dataset"] != rows["target_dataset"]).any())


def _matrix_section(rows: pd.DataFrame) -> list[Section]:
    if not _is_across(usual(rows)):
        return []
    about = (
        "Every shadow against every target: on the diagonal assumption I, within the blocks of one dataset "
        "assumption II, outside them assumption III, where neither data nor algorithm are known. The latent "
        "spaces of two factorizations are not aligned, so the difference vector carries over poorly. "
        "Published figures across datasets are those of Wang et al. (DL-MIA, KDD 2022) for the same attack "
        "on ADM and ml-1m."
    )
    body = join([whole_matrix(rows), cells_table(rows)])
    return [Section("matrix", "All cells: assumptions I, II and III", about, body)]


def _stored_sections(rows: pd.DataFrame, store: ArtifactStore) -> list[Section]:
    """Show curves of all presets, and pictures of the first seed of our own."""
    own = diagonal(rows)
    ours = own[own["preset"] == AttackPreset.DIFFERENCE]
    curves = stored_curves(own, store)
    missing = len(own) - len(curves)
    left_out = f" {missing} of {len(own)} curves are not stored any more." if missing else ""
    first = ours[ours["seed"] == ours["seed"].min()]
    pictures = stored_pictures(first, store)
    about = "How many members are found (TPR) for how many others accused wrongly (FPR), at every threshold."
    roc = Section("roc", "ROC curves", about + left_out, roc_figures(curves, own) + rates_table(own))
    picture_about = "What the attack model sees: one point for every judged user."
    return [roc, Section("pictures", "User features", picture_about, picture_figure(pictures, first))]


def _table_sections(rows: pd.DataFrame) -> list[Section]:
    by_user = same_sides(of_grid(rows, "split"))
    controlled = pd.concat([diagonal(rows), by_user]).drop_duplicates(
        ["artifact", "code", "division", "preset", "seed"]
    )
    about = "What is reached without learning, and what the same attack gives where the answer is known."
    covered = "Items outside the attacker's item-feature data have no vector."
    return [
        Section("controls", "Trivial baselines and controls", about, control_table(controlled)),
        Section("coverage", "Coverage of item vectors", covered, coverage_table(diagonal(rows))),
    ]


def _about(saved: Saved) -> list[tuple[str, str]]:
    """Tell what was run, from what the run wrote down when it began."""
    spec = saved.spec
    where = [f"--data-dir {spec.data_dir}"] if spec.data_dir else []
    command = ["recleak experiment run", spec.experiment, f"--seeds {len(spec.seeds)}", *where]
    data = [(f"data: {DATASETS.get(name, name)}", content) for name, content in sorted(saved.data.items())]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(saved.versions.items()))
    return [
        ("experiment", spec.experiment),
        ("seeds", ", ".join(str(seed) for seed in spec.seeds)),
        *data,
        ("code", saved.code),
        ("versions", versions),
        ("to repeat", " ".join(command)),
    ]


def _title(saved: Saved, grids: Sequence[Grid]) -> str:
    """Give the title of the grid, or that of the collection if it is still declared."""
    if len(grids) == 1:
        return grids[0].title
    declared = load_grids(grid_folder()).get(saved.spec.experiment)
    return declared.title if declared else f"Experiment {saved.spec.experiment}"


def _times(folder: Path) -> pd.DataFrame:
    path = folder / f"{results.TIMES}.csv"
    try:
        return pd.read_csv(path)
    except (FileNotFoundError, pd.errors.EmptyDataError):
        return pd.DataFrame(columns=["kind", "job", "seconds"])


def _template() -> Any:  # noqa: ANN401 - jinja2.Template
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_resource("report.html.jinja"))


def _resource(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8")
