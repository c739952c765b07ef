"""`recleak bench`."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from lab import folders
from lab.choices import BenchName

EPILOG = """
**Examples**

- `recleak bench --quick --no-peers`: our side on toys, a minute: does all of it run?
- `recleak bench item lfm --data-dir FOLDER`: these two, with their peers
- `recleak bench growth --full`: up to 1 M users, 200 k items, 100 M interactions; half an hour and 12 GB,
  and cut off and given again, it goes on where it was

Each peer is installed by pip into an environment of its own, .recleak/bench/venvs, when it is first
needed. Ours and the peers run in turn, each a process of its own on the same cores, with the same threads and
inputs. `serving` needs the program wrk. Nothing else should run on the machine; if something does, the
report says so.
"""

_USUAL = tuple(name for name in BenchName if name is not BenchName.NCF_QUALITY)


def bench(
    what: Annotated[
        list[BenchName] | None,
        typer.Argument(help="What to measure; all but ncf-quality by default.", show_default=False),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the data sets; RECLEAK_DATA_DIR or our cache by default.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Runs of each contender.")] = 3,
    out: Annotated[Path, typer.Option(help="Folder of the report: bench.md, bench.json, growth.*.")] = Path(
        ".recleak/bench/report"
    ),
    peers: Annotated[bool, typer.Option(help="Run the peers too; they are installed if need be.")] = True,
    quick: Annotated[bool, typer.Option("--quick", help="Toys: no figure means anything.")] = False,
    full: Annotated[bool, typer.Option("--full", help="The largest sizes of growth.")] = False,
    threads: Annotated[int, typer.Option(min=1, max=256, help="Threads, and cores, of each contender.")] = 2,
) -> None:
    """Measure ours and its peers on the same work, in turn, and write a table."""
    from lab.bench import machine
    from lab.bench.everything import run, write
    from lab.bench.peers import Venvs
    from lab.bench.report import is_quiet, to_markdown
    from lab.bench.settings import Settings
    from lab.consoles import err
    from lab.consoles import out as output
    from lab.display import display

    place = Path(".recleak/bench").absolute()
    place.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        folder=place,
        data_dir=folders.data_dir(data_dir),
        venvs=Venvs(place / "venvs", is_allowed=peers),
        rounds=rounds,
        is_quick=quick,
        is_full=full,
        n_threads=threads,
        kept=out.absolute() / "growth.jsonl",
    )
    if machine.is_loaded(load := machine.describe().load):
        err().print(f"warning: the machine is busy (load {load:.2f}); no figure will count", style="yellow")
    command = shlex.join(["recleak", *sys.argv[1:]])
    with display() as shown:
        report = run(what or _USUAL, settings, command=command, show=shown.show, finish=shown.finish)
    files = write(report, out)
    output().print(to_markdown(report), markup=False, soft_wrap=True)
    if not is_quiet(report):
        err().print("warning: the machine was not quiet; the report says when", style="yellow")
    output().print("\n".join(map(str, files)), markup=False, soft_wrap=True)
