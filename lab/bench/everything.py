"""All groups of works by name, and a run of some of them."""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lab.bench import attack_works, folding_works, machine, serving_works, shadow_works, training_works
from lab.bench.growth import Growth, grow
from lab.bench.growth_report import to_csv
from lab.bench.plot import draw
from lab.bench.report import Report, to_markdown, to_plain
from lab.bench.runs import Measured, Work, measure
from lab.bench.settings import Settings
from shared.errors import StorageFailed

GROUPS: Mapping[str, Callable[[Settings], Iterator[Work]]] = {
    "item": training_works.item_works,
    "lfm": training_works.lfm_works,
    "ncf": training_works.ncf_works,
    "ncf-quality": training_works.quality_works,
    "shadows": shadow_works.shadow_works,
    "folding": folding_works.folding_works,
    "serving": serving_works.serving_works,
    "querying": serving_works.querying_works,
    "attack": attack_works.attack_works,
}
"""Growth is no group of works: it has no peers."""
GROWTH = "growth"

Show = Callable[[str, float | None, str], None]


def run(
    groups: Sequence[str], settings: Settings, *, command: str, show: Show, finish: Callable[[str, str], None]
) -> Report:
    """Measure some groups, one work after the other, and sum up.

    settings  its folder is replaced by a temporary one within it, which is removed
    show      told what is under way: step, fraction, note; finish: a step is done
    """
    found = machine.describe()
    with tempfile.TemporaryDirectory(dir=settings.folder) as folder:
        inside = replace(settings, folder=Path(folder))
        measured = [_measured(work, inside, show, finish) for work in _works(groups, inside)]
        growth = _grown(inside, show, finish) if GROWTH in groups else None
    return Report(command, found, measured, growth)


def write(report: Report, folder: Path) -> list[Path]:
    """Write bench.md and bench.json; growth.svg and growth.csv if there is growth. Raises StorageFailed."""
    texts = {
        "bench.md": to_markdown(report),
        "bench.json": json.dumps(to_plain(report), indent=2) + "\n",
    }
    if report.growth is not None:
        texts |= {"growth.svg": draw(report.growth), "growth.csv": to_csv(report.growth)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageFailed(f"the report could not be written to {folder}: {error.strerror}") from error
    return [folder / name for name in texts]


def _works(groups: Sequence[str], settings: Settings) -> Iterator[Work]:
    for name in groups:
        if name != GROWTH:
            yield from GROUPS[name](settings)


def _measured(work: Work, settings: Settings, show: Show, finish: Callable[[str, str], None]) -> Measured:
    rounds = work.rounds or settings.rounds
    found = measure(work, rounds=rounds, report=lambda fraction, note: show(work.key, fraction, note))
    finish(work.key, f"{len(found.failures)} not measured" if found.failures else "")
    return found


def _grown(settings: Settings, show: Show, finish: Callable[[str, str], None]) -> Growth:
    growth = grow(settings, report=lambda fraction, note: show(GROWTH, fraction, note))
    finish(GROWTH, f"{len(growth.failures)} not measured" if growth.failures else "")
    return growth
