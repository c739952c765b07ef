"""What was measured, as Markdown for people and JSON for machines."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from lab.bench import growth_report
from lab.bench.growth import Growth
from lab.bench.machine import Machine, is_disturbed, is_loaded
from lab.bench.roofline import Roof
from lab.bench.runs import Goal, Measured, Outcome

_MEGA = 2**20


@dataclass(frozen=True)
class Report:
    """A whole run.

    command  what was typed
    growth   None = not asked for
    """

    command: str
    machine: Machine
    measured: Sequence[Measured]
    growth: Growth | None


@dataclass(frozen=True)
class Row:
    """One contender of one work, over all rounds.

    rate, low, high  median, least and most units a second
    ratio            our median rate by this one; None = this is ours, or there is none of ours
    seconds          median of the measured part
    figures          median of each
    """

    contender: str
    n_rounds: int
    rate: float
    low: float
    high: float
    ratio: float | None
    seconds: float
    parts: dict[str, float]
    peak_bytes: int
    before_bytes: int
    figures: dict[str, float]
    others_share: float


def rows_of(measured: Measured) -> list[Row]:
    """Sum up a work, in the order in which its contenders ran."""
    ours = measured.outcomes.get(measured.ours or "", ())
    our_rate = statistics.median(one.rate for one in ours) if ours else None
    return [
        _row(name, outcomes, None if name == measured.ours else our_rate)
        for name, outcomes in measured.outcomes.items()
    ]


def is_quiet(report: Report) -> bool:
    """Say whether the machine was left to us, before and during all measurements."""
    shares = [row.others_share for measured in report.measured for row in rows_of(measured)]
    is_growth_quiet = report.growth is None or growth_report.is_quiet(report.growth)
    return is_growth_quiet and not is_loaded(report.machine.load) and not any(map(is_disturbed, shares))


def to_markdown(report: Report) -> str:
    """Write all tables."""
    machine = report.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    lines = [
        "# Benchmarks",
        "",
        f"`{report.command}`",
        "",
        f"{machine.n_cores} x {machine.processor}, {machine.memory_bytes / 2**30:.0f} GiB, {machine.system}; "
        f"load {machine.load:.2f} before. {versions}.",
        "",
        f"One core at most: {machine.roof.flops / 1e9:.0f} GFLOP/s (product of float32 matrices), "
        f"{machine.roof.bytes / 1e9:.0f} GB/s (copy).",
        "",
    ]
    if not is_quiet(report):
        lines += ["**The machine was not quiet: these figures do not count.**", ""]
    for measured in report.measured:
        lines += [*_section(measured, machine.roof), ""]
    if report.growth is not None:
        lines += growth_report.growth_section(report.growth)
    return "\n".join(lines).rstrip() + "\n"


def to_plain(report: Report) -> dict[str, object]:
    """Give all of it, every round included, as JSON can hold it."""
    return {
        "command": report.command,
        "machine": asdict(report.machine),
        "is_quiet": is_quiet(report),
        "works": [
            {
                "key": measured.work.key,
                "title": measured.work.title,
                "unit": measured.work.unit,
                "goals": [asdict(goal) for goal in measured.work.goals],
                "rows": [asdict(row) for row in rows_of(measured)],
                "rounds": {
                    name: [asdict(outcome) for outcome in outcomes]
                    for name, outcomes in measured.outcomes.items()
                },
                "not measured": dict(measured.failures),
            }
            for measured in report.measured
        ],
        "growth": None if report.growth is None else growth_report.plain_growth(report.growth),
    }


def _row(name: str, outcomes: Sequence[Outcome], our_rate: float | None) -> Row:
    rates = [one.rate for one in outcomes]
    median = statistics.median(rates)
    return Row(
        contender=name,
        n_rounds=len(outcomes),
        rate=median,
        low=min(rates),
        high=max(rates),
        ratio=None if our_rate is None else our_rate / median,
        seconds=statistics.median(one.seconds for one in outcomes),
        parts={part: statistics.median(one.parts[part] for one in outcomes) for part in outcomes[0].parts},
        peak_bytes=max(one.peak_bytes for one in outcomes),
        before_bytes=max(one.before_bytes for one in outcomes),
        figures={
            figure: statistics.median(one.figures[figure] for one in outcomes)
            for figure in outcomes[0].figures
        },
        others_share=max(one.others_share for one in outcomes),
    )


def _section(measured: Measured, roof: Roof) -> Iterator[str]:
    work, rows = measured.work, rows_of(measured)
    yield f"## {work.key}: {work.title}"
    yield ""
    if rows:
        yield f"| contender | {work.unit}/s [least, most] | ours / it | seconds | peak memory | found |"
        yield "| --- | --- | --- | --- | --- | --- |"
    for row in rows:
        yield _line(row, measured)
    yield from _remarks(measured, rows, roof)


def _line(row: Row, measured: Measured) -> str:
    parts = " + ".join(f"{part} {seconds:.3g}" for part, seconds in row.parts.items())
    seconds = f"{row.seconds:.3g}" + (f" ({parts})" if len(row.parts) > 1 else "")
    memory = "" if not row.peak_bytes else f"{row.peak_bytes / _MEGA:,.0f} MiB"
    if row.before_bytes:
        memory += f" ({(row.peak_bytes - row.before_bytes) / _MEGA:+,.0f})"
    spread = {name: _spread(measured.outcomes[row.contender], name) for name in row.figures}
    figures = ", ".join(f"{name} {value}" for name, value in spread.items())
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    rate = (
        f"{row.rate:,.4g} [{row.low:,.4g}, {row.high:,.4g}]"
        if row.rate < 1000
        else (f"{row.rate:,.0f} [{row.low:,.0f}, {row.high:,.0f}]")
    )
    return f"| {row.contender} | {rate} | {ratio} | {seconds} | {memory} | {figures} |"


def _spread(outcomes: Sequence[Outcome], figure: str) -> str:
    values = [one.figures[figure] for one in outcomes]
    middle = f"{statistics.median(values):.4g}"
    return middle if min(values) == max(values) else f"{middle} [{min(values):.4g}, {max(values):.4g}]"


def _remarks(measured: Measured, rows: Sequence[Row], roof: Roof) -> Iterator[str]:
    by_name = {row.contender: row for row in rows}
    remarks = []
    for goal in measured.work.goals:
        value = _goal_value(goal, by_name, measured.ours)
        if value is not None:
            verdict = "reached" if goal.is_reached(value) else "missed"
            remarks.append(f"goal: {_goal_text(goal)}: {verdict} ({value:,.4g})")
    remarks += _against_the_roof(measured, roof)
    remarks += [
        f"not measured{f', {name}' if name else ''}: {why}" for name, why in measured.failures.items()
    ]
    for name, outcomes in measured.outcomes.items():
        versions = ", ".join(f"{package} {version}" for package, version in outcomes[0].versions.items())
        remarks += [f"{name}: {', '.join(filter(None, [versions, *outcomes[0].notes]))}"] if versions else []
    remarks += [
        f"{row.contender}: others had up to {row.others_share:.0%} of the machine"
        for row in rows
        if is_disturbed(row.others_share)
    ]
    if remarks:
        yield ""
        yield from (f"- {remark}" for remark in remarks)


def _against_the_roof(measured: Measured, roof: Roof) -> Iterator[str]:
    """Say how near our work comes to what one core can do; on two cores it may be twice that."""
    outcomes = measured.outcomes.get(measured.ours or "", ())
    for what, unit, roof_rate, amounts in (
        ("flops", "GFLOP/s", roof.flops, [one.flops / one.seconds for one in outcomes]),
        ("bytes", "GB/s", roof.bytes, [one.moved_bytes / one.seconds for one in outcomes]),
    ):
        if amounts and (rate := statistics.median(amounts)) > 0:
            yield (
                f"{measured.ours}: {rate / 1e9:.3g} {unit} of the {what} that the work needs at least, "
                f"{rate / roof_rate:.0%} of one core's most"
            )


def _goal_value(goal: Goal, rows: Mapping[str, Row], ours: str | None) -> float | None:
    """Give what a goal is about; None if it was not measured."""
    if ours is None or ours not in rows or goal.peer not in {None, *rows}:
        return None
    value = _quantity(rows[ours], goal.what)
    return value if goal.peer is None else value / max(_quantity(rows[goal.peer], goal.what), 1e-9)


def _quantity(row: Row, what: str) -> float:
    known = {"rate": row.rate, "peak bytes": float(row.peak_bytes)}
    return known[what] if what in known else row.figures[what]


def _goal_text(goal: Goal) -> str:
    bounds = [
        f"{word} {bound:,g}"
        for word, bound in (("at least", goal.least), ("at most", goal.most))
        if bound is not None
    ]
    return f"{goal.what} {' and '.join(bounds)}" + (f" times that of {goal.peer}" if goal.peer else "")
