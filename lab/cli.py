"""The command `recleak`: only the tree of commands; whatever takes long to import is imported by them."""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lab.commands import attack, bench, cell, data, demo, deploy, experiment, serve
from lab.failures import exit_code
from shared import __version__

_EPILOG = """
**First steps**

- `recleak demo`: see it all: two services, one attack, one table
- `recleak serve target` and `recleak serve attacker`: the same, step by step, in two terminals
- `recleak deploy submit --dataset synthetic`: train a recommender in the target
- `recleak attack submit --watch`: attack it
- `recleak data list`: data sets, and how to get them
- `recleak experiment run smoke`: many attacks at once, as in the paper; `recleak experiment list` has more
"""


class Commands(TyperGroup):
    """A group whose failures are one line."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the signature of what it overrides
        """Run a command line and leave with its exit code."""
        run = super().main
        sys.exit(exit_code(lambda: run(*args, **{**kwargs, "standalone_mode": False})))


app = typer.Typer(
    cls=Commands,
    name="recleak",
    help="Shows and measures how recommender systems leak who was in their training data.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"recleak {__version__}")
        raise typer.Exit


@app.callback()
def _recleak(
    _: Annotated[
        bool, typer.Option("--version", help="Say which version this is.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Shows and measures how recommender systems leak who was in their training data."""


app.command("demo", rich_help_panel="See it", epilog=demo.EPILOG)(demo.demo)
app.add_typer(serve.app, name="serve", rich_help_panel="Run it")
app.add_typer(deploy.app, name="deploy", rich_help_panel="Use it")
app.add_typer(attack.app, name="attack", rich_help_panel="Use it")
app.add_typer(data.app, name="data", rich_help_panel="Use it")
app.command("bench", rich_help_panel="Measure it", epilog=bench.EPILOG)(bench.bench)
app.add_typer(experiment.app, name="experiment", rich_help_panel="Study it")
app.command("cell", rich_help_panel="Study it", epilog=cell.EPILOG)(cell.cell)


def main() -> None:
    """Run the command line."""
    app(prog_name="recleak")
