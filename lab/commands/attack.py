"""`recleak attack`: submit, watch, read, stop."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from lab.commands import attack_options as options
from lab.commands.attack_options import ATTACKER_URL as URL
from lab.commands.attack_options import AsJson, Id, Url, Watch

if TYPE_CHECKING:
    from shared.client import AttackerClient
    from shared.contract.attacker import Attack

_EPILOG = """
**Examples**

- `recleak attack submit --target-url http://127.0.0.1:8001 --users-from synthetic --watch`
- `recleak attack submit spec.yaml --seed 3 --watch`: a file, one setting changed
- `recleak attack submit --set target.query.concurrency=4 --set shadow.hyperparameters.epochs=5`
- `recleak attack watch ID`: also after a broken connection, or on another machine
- `recleak attack show ID --json`
- `recleak attack predictions ID --csv > predictions.csv`

A spec file (.yaml, .toml, .json) has the fields of POST /v1/attacks, see /docs of the attacker:
`target: {url: ...}`, `users: {source: dataset, dataset: ml-1m}`, `shadow: {algorithm: ncf}`, `k: 100`.
Keys are never in a spec: it names environment variables of the attacker.
"""

app = typer.Typer(
    help="Attacks: submit, watch, show, predictions, cancel, resume, delete.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@app.command(epilog=_EPILOG)
def submit(
    spec_file: options.SpecFile = None,
    target_url: options.Target = None,
    deployment: options.OfDeployment = None,
    mode: options.Mode = None,
    users: options.Users = None,
    users_from: options.UsersFrom = None,
    limit: options.Limit = None,
    shadow_dataset: options.ShadowDataset = None,
    shadow_algorithm: options.ShadowAlgorithm = None,
    split_seed: options.SplitSeed = None,
    attack: options.Preset = None,
    k: options.K = None,
    seed: options.Seed = None,
    evaluate: options.Evaluate = None,
    settings: options.Settings = None,
    watch: Watch = False,
    url: Url = URL,
    as_json: AsJson = False,
) -> None:
    """Submit an attack, by options or a spec file."""
    from lab.attack_spec import spec_of

    flags = {
        "target.url": target_url,
        "target.deployment": deployment,
        "target.query.mode": mode,
        "users.source": users,
        "users.dataset": users_from,
        "users.limit": limit,
        "shadow.dataset": shadow_dataset,
        "shadow.algorithm": shadow_algorithm,
        "split.seed": split_seed,
        "attack": attack,
        "k": k,
        "seed": seed,
    }
    spec = spec_of(spec_file, flags, settings or [], is_evaluated=evaluate, default_target=options.TARGET_URL)
    with _attacker(url) as attacker:
        submitted = attacker.submit(spec)
        if watch:
            _watch(attacker, submitted.id, as_json)
        else:
            _print(submitted, as_json)


@app.command()
def watch(attack: Id, url: Url = URL, as_json: AsJson = False) -> None:
    """Show what happens until the attack ends, then its figures."""
    with _attacker(url) as attacker:
        attacker.attack(attack)
        _watch(attacker, attack, as_json)


@app.command()
def show(attack: Id, url: Url = URL, as_json: AsJson = False) -> None:
    """One attack: where it stands, and its figures."""
    with _attacker(url) as attacker:
        _print(attacker.attack(attack), as_json)


@app.command("list")
def list_(url: Url = URL, as_json: AsJson = False) -> None:
    """All attacks, newest first."""
    from lab.consoles import out, say_json
    from lab.tables import attacks_table
    from shared.contract.attacker import AttackList

    with _attacker(url) as attacker:
        attacks = attacker.attacks()
    if as_json:
        say_json(AttackList(attacks=attacks).model_dump_json(indent=2))
    elif attacks:
        out().print(attacks_table(attacks))
    else:
        out().print("no attacks yet; `recleak attack submit` makes one")


@app.command()
def predictions(
    attack: Id,
    url: Url = URL,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV; one JSON object a line otherwise.")
    ] = False,
) -> None:
    """What the attack says of each user: a score (larger = member), and yes or no."""
    from lab.consoles import say_json

    with _attacker(url) as attacker:
        lines = (
            attacker.predictions_csv(attack)
            if as_csv
            else (one.model_dump_json() for one in attacker.predictions(attack))
        )
        for line in lines:
            say_json(line)


@app.command()
def cancel(attack: Id, url: Url = URL, as_json: AsJson = False) -> None:
    """Ask an attack to stop; what it has stored stays."""
    with _attacker(url) as attacker:
        _print(attacker.cancel(attack), as_json)


@app.command()
def resume(attack: Id, watch: Watch = False, url: Url = URL, as_json: AsJson = False) -> None:
    """Go on with a stopped attack from its last stored stage; nothing is asked twice."""
    with _attacker(url) as attacker:
        resumed = attacker.resume(attack)
        if watch:
            _watch(attacker, attack, as_json)
        else:
            _print(resumed, as_json)


@app.command()
def delete(attack: Id, url: Url = URL) -> None:
    """Delete an attack and all that was stored for it."""
    with _attacker(url) as attacker:
        attacker.delete(attack)
    typer.echo(f"deleted {attack}")


def _attacker(url: str) -> "AttackerClient":
    from shared.client import AttackerClient

    return AttackerClient(url, api_key=os.environ.get("RECLEAK_ATTACKER_API_KEY"))


def _watch(attacker: "AttackerClient", attack_id: str, as_json: bool) -> None:
    from lab.display import display
    from lab.watching import show_events
    from shared.client.attacker import finished

    with display() as shown:
        show_events(attacker.events(attack_id), shown)
    _print(finished(attacker.attack(attack_id)), as_json)


def _print(attack: "Attack", as_json: bool) -> None:
    from lab.consoles import out, say_json
    from lab.tables import attack_pairs, judgement_table, pairs_table, unlabelled_note, unresolved_note

    if as_json:
        say_json(attack.model_dump_json(indent=2))
        return
    console = out()
    console.print(pairs_table(attack_pairs(attack)))
    if attack.judgement is not None:
        console.print(judgement_table(attack.judgement))
        for note in filter(None, (unresolved_note(attack.judgement), unlabelled_note(attack.judgement))):
            console.print(note, style="dim", markup=False)
