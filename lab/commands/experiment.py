"""`recleak experiment`: the paper's evaluation and studies around it, run, resumed, looked at, compared."""

from pathlib import Path
from typing import Annotated

import typer

from lab.commands import experiment_options as options
from lab.commands.experiment_options import AsJson, Folder, Name

_EPILOG = """
**Examples**

- `recleak experiment list`
- `recleak experiment run smoke`: a minute, no data set needed
- `recleak experiment run paper --seeds 5 --data-dir FOLDER`: every table and figure, five times
- `recleak experiment run my-grid.toml --out my-run`: a grid of your own
- `recleak experiment resume my-run`: after Ctrl-C, a crash or a failed cell; nothing finished is done twice
- `recleak experiment compare my-run other-run`

A run's folder holds results.csv and results.parquet (a row per cell and seed), hit_rates, times, the spec
with versions and data hashes, failures and the report.
"""

app = typer.Typer(
    help="Experiments: list, show, run, resume, status, compare, report.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """All experiments that can be run by name."""
    from lab.experiment_tables import print_grids

    print_grids(as_json=as_json)


@app.command()
def show(name: Name, data_dir: options.DataDir = None, as_json: AsJson = False) -> None:
    """One experiment: what it shows, how much it is, which data sets it needs."""
    from lab import folders
    from lab.experiment_tables import print_grid

    print_grid(name, folders.data_dir(data_dir), as_json=as_json)


@app.command(epilog=_EPILOG)
def run(
    name: Name,
    seeds: Annotated[
        int, typer.Option(min=1, max=1000, help="Repetitions: fresh coins, divisions and starts.")
    ] = 1,
    first_seed: Annotated[int, typer.Option(min=0, help="Seed of the first repetition.")] = 0,
    data_dir: options.DataDir = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run.", show_default=f"{options.RUNS}/NAME-TIME"),
    ] = None,
    artifacts: options.Artifacts = options.ARTIFACTS,
    engine: options.Engine = "process",
    workers: options.Workers = None,
) -> None:
    """Run an experiment; Ctrl-C stops it without losing what is done."""
    from lab import folders
    from lab.experiment_runs import Place, run_new

    place = Place(artifacts, engine, workers)
    run_new(name, range(first_seed, first_seed + seeds), out, place, data_dir=folders.data_dir(data_dir))


@app.command()
def resume(
    folder: Folder,
    retry_failed_only: Annotated[
        bool, typer.Option("--retry-failed-only", help="Make only what failed, nothing that was not begun.")
    ] = False,
    artifacts: options.OfRun = None,
    engine: options.Engine = "process",
    workers: options.Workers = None,
) -> None:
    """Go on with a run: what is stored is not done again, what failed is tried again."""
    from lab.experiment_runs import Place, go_on

    go_on(folder, Place(artifacts, engine, workers), only_failed=retry_failed_only)


@app.command()
def status(folder: Folder, artifacts: options.OfRun = None, as_json: AsJson = False) -> None:
    """Where a run stands, also while another process works on it."""
    from lab.experiment_tables import print_status

    print_status(folder, artifacts, as_json=as_json)


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    b: Annotated[Path, typer.Argument(help="Folder of another.", show_default=False)],
    rows: Annotated[int, typer.Option(min=0, help="Show so many cells, the largest changes first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Two runs side by side, cell by cell."""
    from lab.experiment_tables import print_comparison

    print_comparison(a, b, rows, as_json=as_json)


@app.command()
def report(folder: Folder, artifacts: options.OfRun = None) -> None:
    """Write results and report.html of a run anew, from what is stored."""
    from lab.consoles import out
    from services.attacker.experiments.session import write_again

    out().print(str(write_again(folder, artifacts)), markup=False, soft_wrap=True)
