"""`recleak cell`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from lab.choices import DivisionName
from lab.commands import experiment_options as options
from shared.attacks import AttackModelKind, AttackPreset, RankWeights

EPILOG = """
**Examples**

- `recleak cell LILN --data-dir FOLDER`: shadow Item on Last.fm, target NCF on Last.fm
- `recleak cell MI --preset ccs21 --json out.json`: two letters stand for shadow and target alike
- `recleak cell AIMN --k 20 --weights uniform --seed 3`

**The letters**: shadow, then target; each a data set (A = ADM, L = Last.fm 2k, M = MovieLens 1M) and an
algorithm (I = Item, L = LFM, N = NCF). What is made is kept in the same place as for `recleak experiment`.
"""


def cell(
    code: Annotated[str, typer.Argument(help="The cell in the paper's notation, such as LILN.")],
    preset: Annotated[AttackPreset, typer.Option(help="Which attack.")] = AttackPreset.DIFFERENCE,
    model: Annotated[AttackModelKind, typer.Option(help="What scores users.")] = AttackModelKind.MLP,
    k: Annotated[int, typer.Option("--k", min=1, max=100, help="Length of the lists.")] = 100,
    length: Annotated[int, typer.Option(min=1, max=1000, help="Length of item vectors (l).")] = 100,
    weights: Annotated[RankWeights, typer.Option(help="Weights of places.")] = RankWeights.LINEAR,
    division: Annotated[
        DivisionName, typer.Option(help="What goes to one part of a data set as a whole.")
    ] = DivisionName.BY_INTERACTION,
    seed: Annotated[int, typer.Option(min=0, help="Of the division, coins, trainings, everything.")] = 0,
    data_dir: options.DataDir = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all of it to this file.")] = None,
    artifacts: options.Artifacts = options.ARTIFACTS,
    engine: options.Engine = "process",
    workers: options.Workers = None,
) -> None:
    """Run one cell: its figures, and the published one beside them."""
    from lab import folders
    from lab.experiment_runs import Place, run_one
    from lab.experiment_tables import print_cell
    from services.attacker.experiments.cells import Cell, parse_code
    from shared.datasets.splits import Division

    chosen = Cell(
        *parse_code(code),
        preset=preset,
        model=model,
        weights=weights,
        k=k,
        length=length,
        division=Division(division.value),
        seed=seed,
    )
    result = run_one(chosen, Place(artifacts, engine, workers), data_dir=folders.data_dir(data_dir))
    if json_file is not None:
        json_file.write_text(json.dumps(result.to_plain(), indent=2) + "\n")
    print_cell(result)
