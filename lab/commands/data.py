"""`recleak data`: which data sets there are, what they look like, and how to get them."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab import folders

if TYPE_CHECKING:
    from shared.datasets.catalog import Dataset
    from shared.datasets.readers import ReadReport

_EPILOG = """
**Examples**

- `recleak data list`
- `recleak data fetch ml-1m`: download it from its official place, checksum compared
- `recleak data info lastfm-2k --data-dir FOLDER`: size and shape
- `recleak data info synthetic:users=1000,items=500,seed=3`
- `recleak data info my.csv`: lines of user,item[,rating[,timestamp]]
"""

app = typer.Typer(
    help="Data sets: list, measure, fetch.", epilog=_EPILOG, no_args_is_help=True, rich_markup_mode="markdown"
)

DataDir = Annotated[
    Path | None, typer.Option(help="Folder of the data sets; RECLEAK_DATA_DIR or our cache by default.")
]
Name = Annotated[str, typer.Argument(help="A name from the list, synthetic:key=value,..., or a CSV file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """All known data sets, and which of them are here."""
    from shared.datasets.catalog import DATASETS

    folder = folders.data_dir(data_dir)
    if as_json:
        from lab.consoles import say_json

        say_json(json.dumps([_described(dataset, folder) for dataset in DATASETS], indent=2))
        return
    _print_list(folder)


@app.command()
def info(name: Name, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Size and shape of one data set, measured, and which of its lines are no good."""
    from lab.consoles import out, say_json
    from lab.tables import pairs_table
    from shared.datasets.figures import figures_of
    from shared.datasets.registry import load

    interactions, report = load(name, data_dir=folders.data_dir(data_dir))
    figures = asdict(figures_of(interactions))
    if as_json:
        reading = None if report is None else {**asdict(report), "path": str(report.path)}
        say_json(json.dumps({"name": name, **figures, "reading": reading}, indent=2))
        return
    rounded = ((key.replace("_", " ").removeprefix("n "), _rounded(value)) for key, value in figures.items())
    out().print(pairs_table([("name", name), *rounded]))
    if report is not None:
        _print_reading(report)


@app.command()
def fetch(name: Name, data_dir: DataDir = None) -> None:
    """Download a data set from its official place; a download that broke off goes on."""
    from lab.consoles import out
    from lab.display import display
    from shared.datasets.download import fetch as download
    from shared.progress import Progress

    with display() as shown:
        report = Progress(report=lambda fraction, note: shown.show(name, fraction, note))
        fetched = download(name, data_dir=folders.data_dir(data_dir), progress=report)
        shown.finish(name, "")
    out().print(f"{fetched.path}\n{fetched.note}", markup=False, soft_wrap=True)


@app.command()
def path(data_dir: DataDir = None) -> None:
    """The folder where data sets are looked for."""
    typer.echo(folders.data_dir(data_dir))


def _described(dataset: "Dataset", folder: Path) -> dict[str, object]:
    from shared.datasets.registry import locate

    located = locate(dataset, folder)
    return {
        "name": dataset.name,
        "aliases": list(dataset.aliases),
        "title": dataset.title,
        "users": dataset.n_users,
        "items": dataset.n_items,
        "interactions": dataset.n_interactions,
        "license": dataset.license,
        "url": dataset.url or None,
        "path": None if located is None else str(located[0]),
    }


def _print_list(folder: Path) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from lab.consoles import out
    from shared.datasets.catalog import DATASETS
    from shared.datasets.registry import locate

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in ("name", "what", "users", "items", "interactions", "here"):
        table.add_column(column, justify="right" if column in ("users", "items", "interactions") else "left")
    for one in DATASETS:
        sizes = (
            "" if size is None else f"{size:,}" for size in (one.n_users, one.n_items, one.n_interactions)
        )
        is_here = "generated" if one.source is None else "yes" if locate(one, folder) else "no"
        table.add_row(one.name, one.title, *sizes, is_here)
    out().print(table)
    out().print(f"looked for in {folder}", style="dim", markup=False, soft_wrap=True)


def _print_reading(report: "ReadReport") -> None:
    """Say what was left out of a file, and why."""
    from lab.consoles import out

    console = out()
    told = f"{report.n_rows:,} lines: {report.n_bad:,} left out, {report.n_duplicates:,} repeats"
    console.print(told, style="dim", markup=False, soft_wrap=True)
    for row in report.bad_rows:
        console.print(f"  line {row.line}: {row.reason}", style="dim", markup=False, soft_wrap=True)
    if report.n_bad > len(report.bad_rows):
        console.print(f"  and {report.n_bad - len(report.bad_rows):,} more", style="dim", markup=False)


def _rounded(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
