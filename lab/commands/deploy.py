"""`recleak deploy`: what the target's admin does."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.choices import AlgorithmName, ColdStartName

if TYPE_CHECKING:
    from shared.client import TargetClient
    from shared.contract.target import Deployment

_EPILOG = """
**Examples** (RECLEAK_TARGET_ADMIN_KEY must be the target's)

- `recleak deploy submit --dataset ml-1m --algorithm lfm --watch`
- `recleak deploy submit spec.yaml --set split.seed=3`: a file, one setting changed
- `recleak deploy list`
- `recleak deploy activate ID`
"""

app = typer.Typer(
    help="What the target recommends with: train, list, activate, delete.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Url = Annotated[
    str, typer.Option("--target-url", envvar="RECLEAK_CLI_TARGET_URL", help="Address of the target service.")
]
Id = Annotated[str, typer.Argument(help="Id of a deployment.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
URL = "http://127.0.0.1:8001"


@app.command()
def submit(
    spec_file: Annotated[
        Path | None, typer.Argument(help="Spec as .yaml, .toml or .json; options win.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="A name from `recleak data list`.")] = None,
    algorithm: Annotated[AlgorithmName | None, typer.Option(help="What to train.")] = None,
    cold_start: Annotated[ColdStartName | None, typer.Option(help="What strangers get.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the training, not of the membership.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Any other setting, as place=value; repeatable.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Wait until it is ready.")] = False,
    url: Url = URL,
    as_json: AsJson = False,
) -> None:
    """Train and serve a recommender."""
    from lab.specs import checked, merged, read_spec, settings_of
    from shared.contract.target import DeploymentSpec

    flags = {"dataset": dataset, "algorithm": algorithm, "cold_start": cold_start, "seed": seed}
    content = merged(read_spec(spec_file) if spec_file else {}, {**flags, **settings_of(settings or [])})
    spec = checked(DeploymentSpec, content, origin=str(spec_file or "the deployment"))
    with _target(url) as target:
        deployment = target.deploy(spec)
        if watch:
            deployment = _watched(target, deployment)
    _print(deployment, as_json)


@app.command("list")
def list_(url: Url = URL, as_json: AsJson = False) -> None:
    """All deployments, newest first."""
    from lab.consoles import out, say_json
    from lab.tables import deployments_table
    from shared.contract.target import DeploymentList

    with _target(url) as target:
        deployments = target.deployments()
    if as_json:
        say_json(DeploymentList(deployments=deployments).model_dump_json(indent=2))
    elif deployments:
        out().print(deployments_table(deployments))
    else:
        out().print("no deployments yet; `recleak deploy submit` makes one")


@app.command()
def show(deployment: Id, url: Url = URL, as_json: AsJson = False) -> None:
    """One deployment."""
    with _target(url) as target:
        _print(target.deployment(deployment), as_json)


@app.command()
def queries(deployment: Id, url: Url = URL, as_json: AsJson = False) -> None:
    """What a defender sees: how many lists were asked for, and by whom."""
    from lab.consoles import out, say_json
    from lab.tables import pairs_table

    with _target(url) as target:
        counts = target.queries(deployment)
    if as_json:
        say_json(counts.model_dump_json(indent=2))
        return
    clients = [(f"  {client}", f"{lists:,} lists") for client, lists in counts.by_client.items()]
    asked = f"{counts.total:,} to {counts.distinct_users:,} users, {counts.repeated:,} of them again"
    out().print(pairs_table([("lists", asked), ("by client", ""), *clients]))


@app.command()
def activate(deployment: Id, url: Url = URL, as_json: AsJson = False) -> None:
    """Answer /v1/... from this deployment."""
    with _target(url) as target:
        _print(target.activate(deployment), as_json)


@app.command()
def retrain(deployment: Id, url: Url = URL, as_json: AsJson = False) -> None:
    """Train the same spec once more, as a new deployment."""
    with _target(url) as target:
        _print(target.retrain(deployment), as_json)


@app.command()
def cancel(deployment: Id, url: Url = URL, as_json: AsJson = False) -> None:
    """Stop a training."""
    with _target(url) as target:
        _print(target.cancel(deployment), as_json)


@app.command()
def delete(deployment: Id, url: Url = URL) -> None:
    """Delete a deployment and all that was stored for it."""
    with _target(url) as target:
        target.delete(deployment)
    typer.echo(f"deleted {deployment}")


def _target(url: str) -> "TargetClient":
    from shared.client import TargetClient
    from shared.errors import Unauthorized

    if not (key := os.environ.get("RECLEAK_TARGET_ADMIN_KEY")):
        raise Unauthorized("the target's admin key is needed; set RECLEAK_TARGET_ADMIN_KEY")
    return TargetClient(url, admin_key=key)


def _watched(target: "TargetClient", deployment: "Deployment") -> "Deployment":
    from lab.display import display
    from lab.watching import watch_deployment

    with display() as shown:
        return watch_deployment(target, deployment.id, shown)


def _print(deployment: "Deployment", as_json: bool) -> None:
    from lab.consoles import out, say_json
    from lab.tables import deployment_pairs, pairs_table

    if as_json:
        say_json(deployment.model_dump_json(indent=2))
    else:
        out().print(pairs_table(deployment_pairs(deployment)))
