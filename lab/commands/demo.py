"""`recleak demo`."""

import json
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab import folders
from lab.choices import AlgorithmName, ColdStartName, ModeName
from shared.attacks import AttackPreset
from shared.errors import BadInput

if TYPE_CHECKING:
    from lab.demo import DemoResult, Running
    from lab.demo_plan import DemoOptions
    from lab.processes import Services

EPILOG = """
**Examples**

- `recleak demo`: the built-in synthetic data, half a minute
- `recleak demo --dataset ml-1m --target-algorithm ncf`: a data set that `recleak data fetch` got
- `recleak demo --dataset lastfm-2k --data-dir FOLDER --json out.json`
- `recleak demo --cold-start fold_in`: strangers' lists come from the model too
- `recleak demo --keep`: leave both services running, to play with

**What you see**: the attack, beside attacks that need no learning (baselines) and runs whose answer is known
(controls). Same seed, same figures: in the demo even who is a member, the target's secret, follows
from --seed.
"""

_WAIT_S = 300.0


def demo(
    dataset: Annotated[
        str, typer.Option(help="A name from `recleak data list`, synthetic:key=value,..., or a CSV file.")
    ] = "synthetic",
    target_algorithm: Annotated[
        AlgorithmName, typer.Option(help="What the target trains.")
    ] = AlgorithmName.ITEM,
    cold_start: Annotated[
        ColdStartName, typer.Option(help="What those get whom the target was not trained on.")
    ] = ColdStartName.POPULAR,
    shadow_algorithm: Annotated[
        AlgorithmName | None, typer.Option(help="What the attacker trains; the target's by default.")
    ] = None,
    shadow_dataset: Annotated[
        str | None, typer.Option(help="What the attacker trains on; the target's data set by default.")
    ] = None,
    attack: Annotated[
        AttackPreset,
        typer.Option(help="The paper's attack, that of its code, or its features with sane training."),
    ] = AttackPreset.DIFFERENCE,
    k: Annotated[int, typer.Option("--k", min=1, max=1000, help="Length of the lists asked for.")] = 100,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the data sets; RECLEAK_DATA_DIR or our cache by default.")
    ] = None,
    seed: Annotated[
        int,
        typer.Option(min=0, help="Seed of everything, in the demo of the target's secret membership too."),
    ] = 0,
    mode: Annotated[
        ModeName, typer.Option(help="Ask the batch route, or one list at a time like a stranger.")
    ] = ModeName.BATCH,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result to this file.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the services running.")] = False,
    target_url: Annotated[
        str | None, typer.Option(help="Use a target that runs already (admin key: RECLEAK_TARGET_ADMIN_KEY).")
    ] = None,
    attacker_url: Annotated[
        str | None, typer.Option(help="Use an attacker that runs already; it must know RECLEAK_ORACLE_KEY.")
    ] = None,
) -> None:
    """Start a target and an attacker, attack one with the other, print what came out.

    Two real services on free ports of this machine, spoken to over HTTP only. They and their data
    are gone when the command ends, however it ends, unless you say --keep.
    """
    if (target_url is None) != (attacker_url is None):
        raise BadInput("--target-url and --attacker-url go together; give both or none")
    if keep and target_url is not None:
        raise BadInput("--keep is for services that the demo starts; it does not go with --target-url")
    options = _options(
        dataset,
        target_algorithm,
        cold_start,
        shadow_algorithm,
        shadow_dataset,
        attack,
        k,
        data_dir,
        seed,
        mode,
    )
    if target_url is None or attacker_url is None:
        _run_own(options, json_file, keep=keep)
    else:
        _run_theirs(options, json_file, target_url, attacker_url)


def _options(
    dataset: str,
    target_algorithm: AlgorithmName,
    cold_start: ColdStartName,
    shadow_algorithm: AlgorithmName | None,
    shadow_dataset: str | None,
    attack: AttackPreset,
    k: int,
    data_dir: Path | None,
    seed: int,
    mode: ModeName,
) -> "DemoOptions":
    from lab.demo_plan import DemoOptions
    from shared.contract.attacker import QueryMode
    from shared.recommenders.base import Algorithm
    from shared.recommenders.served import ColdStart

    own_file = Path(dataset)
    if own_file.is_file():  # services read files of their data folder only
        dataset, data_dir = own_file.name, own_file.absolute().parent
    return DemoOptions(
        dataset=dataset,
        target_algorithm=Algorithm(target_algorithm),
        cold_start=ColdStart(cold_start),
        shadow_algorithm=None if shadow_algorithm is None else Algorithm(shadow_algorithm),
        shadow_dataset=shadow_dataset,
        attack=attack,
        k=k,
        data_dir=folders.data_dir(data_dir),
        seed=seed,
        mode=QueryMode(mode),
    )


def _run_own(options: "DemoOptions", json_file: Path | None, *, keep: bool) -> None:
    from lab.consoles import say_error
    from lab.demo import explained, run, started
    from lab.display import display
    from lab.processes import Services
    from lab.signals import Interrupted
    from shared.datasets.catalog import find
    from shared.datasets.registry import is_path

    begin = time.monotonic()
    _check(json_file)
    for dataset in filter(None, (options.dataset, options.shadow_dataset)):
        if not is_path(dataset):
            find(dataset)  # a misspelled name is not worth the start of two services
    services = Services()
    try:
        # closed twice: a signal at the very moment of leaving would cut the first time short
        with closing(services), services, explained(services):
            with display() as shown, started(services, options, shown) as running:
                result = run(running, options, shown, may_reuse=False)
            _report(result, json_file, seed=options.seed, seconds=time.monotonic() - begin)
            if keep:
                _say_how_to_use(services, running, result)
                services.keep()
    except Interrupted as stop:
        say_error(f"interrupted by {stop}; both services were stopped")
        raise typer.Exit(stop.exit_code) from None


def _run_theirs(options: "DemoOptions", json_file: Path | None, target_url: str, attacker_url: str) -> None:
    from lab.consoles import say_error
    from lab.demo import found, run
    from lab.display import display
    from lab.signals import Interrupted, Signals

    begin = time.monotonic()
    _check(json_file)
    try:
        with (
            Signals(has_lost=lambda: False),
            display() as shown,
            found(target_url, attacker_url, shown, timeout_s=_WAIT_S) as running,
        ):
            result = run(running, options, shown, may_reuse=True)
    except Interrupted as stop:
        say_error("; ".join([f"interrupted by {stop}", *getattr(stop, "__notes__", ())]))
        raise typer.Exit(stop.exit_code) from None
    _report(result, json_file, seed=options.seed, seconds=time.monotonic() - begin)


def _check(json_file: Path | None) -> None:
    from lab.demo_report import check_writable

    if json_file is not None:
        check_writable(json_file)


def _report(result: "DemoResult", json_file: Path | None, *, seed: int, seconds: float) -> None:
    from lab.consoles import out
    from lab.demo_report import as_json, print_report

    print_report(result, out())
    if json_file is not None:
        json_file.write_text(json.dumps(as_json(result, seed=seed, seconds=seconds), indent=2) + "\n")


def _say_how_to_use(services: "Services", running: "Running", result: "DemoResult") -> None:
    from lab.consoles import out
    from lab.tables import pairs_table

    assert running.keys is not None
    pids = " ".join(map(str, services.pids()))
    console = out()
    console.print("\nBoth services go on running; /docs of each shows what it can be asked.")
    console.print(
        pairs_table(
            [
                ("target URL", running.target.url),
                ("admin key", running.keys.admin),
                ("oracle key", running.keys.oracle),
                ("attacker URL", running.attacker.url),
                ("this attack", f"{running.attacker.url}/v1/attacks/{result.attack.id}"),
                ("logs and data", str(services.folder)),
                ("to stop them", f"kill {pids} && rm -r {services.folder}"),
            ]
        )
    )
