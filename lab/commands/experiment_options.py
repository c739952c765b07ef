"""The options of `recleak experiment` and `recleak cell`."""

from pathlib import Path
from typing import Annotated

import typer

ARTIFACTS = Path(".recleak/experiments/artifacts")
RUNS = Path(".recleak/experiments")

Name = Annotated[str, typer.Argument(help="A name from `recleak experiment list`, or a TOML file of a grid.")]
Folder = Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder of the data sets; RECLEAK_DATA_DIR or our cache by default.")
]
Artifacts = Annotated[
    Path, typer.Option(help="Folder of finished work; shared by runs, so that nothing is made twice.")
]
OfRun = Annotated[
    Path | None, typer.Option("--artifacts", help="Folder of finished work; the run's own by default.")
]
Engine = Annotated[
    str,
    typer.Option(help="inline, process, threads, or the address of a Dask scheduler: tcp://HOST:8786."),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1024,
        help="Processes of one thread each, or threads; all cores by default.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
