"""The options of `recleak attack`."""

from pathlib import Path
from typing import Annotated

import typer

from lab.choices import AlgorithmName, ModeName, UsersName
from shared.attacks import AttackPreset

ATTACKER_URL = "http://127.0.0.1:8002"
TARGET_URL = "http://127.0.0.1:8001"

_TARGET, _KNOWS, _HOW = "The target", "What the attacker knows", "How it attacks"


def _option(*names: str, about: str, panel: str, least: int | None = None, most: int | None = None) -> object:
    return typer.Option(*names, help=about, rich_help_panel=panel, min=least, max=most, show_default=False)


SpecFile = Annotated[
    Path | None, typer.Argument(help="Spec as .yaml, .toml or .json; options win.", show_default=False)
]
Target = Annotated[
    str | None, _option(about=f"Its address, as the attacker sees it: {TARGET_URL}.", panel=_TARGET)
]
OfDeployment = Annotated[
    str | None, _option("--deployment", about="Its id; the active one by default.", panel=_TARGET)
]
Mode = Annotated[ModeName | None, _option(about="Batches, or one list at a time.", panel=_TARGET)]
Users = Annotated[
    UsersName | None,
    _option("--users", about="Judge users of a data set, or those that the target shows.", panel=_KNOWS),
]
UsersFrom = Annotated[str | None, _option(about="Data set of the judged users.", panel=_KNOWS)]
Limit = Annotated[int | None, _option(about="Judge only so many users.", panel=_KNOWS, least=2)]
ShadowDataset = Annotated[str | None, _option(about="What the shadow is trained on.", panel=_KNOWS)]
ShadowAlgorithm = Annotated[AlgorithmName | None, _option(about="How the shadow is trained.", panel=_KNOWS)]
SplitSeed = Annotated[
    int | None, _option(about="Seed of the data sets' public division.", panel=_KNOWS, least=0)
]
Preset = Annotated[AttackPreset | None, _option(about="Which attack; difference by default.", panel=_HOW)]
K = Annotated[
    int | None, _option("--k", about="List length; 100 by default.", panel=_HOW, least=1, most=1000)
]
Seed = Annotated[int | None, _option(about="Seed of the attack; 0 by default.", panel=_HOW, least=0)]
Evaluate = Annotated[
    bool | None,
    _option("--evaluate/--no-evaluate", about="Compare with the target's oracle, as by default.", panel=_HOW),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Any other setting of the spec, as place=value; repeatable.", show_default=False
    ),
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Show what happens until it ends.")]

Url = Annotated[
    str,
    typer.Option(
        "--attacker-url", envvar="RECLEAK_CLI_ATTACKER_URL", help="Address of the attacker service."
    ),
]
Id = Annotated[str, typer.Argument(help="Id of an attack.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
