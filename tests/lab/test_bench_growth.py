"""Growth is measured once, drawn, and told with a reason for each slope steeper than a line."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bench_worlds import report, settings

from lab.bench import everything, growth_report
from lab.bench.growth import AXES, FACTORS, PARTS, Growth, Point, Size, grow, slope
from lab.bench.growth_log import Kept
from lab.bench.plot import draw
from lab.bench.runs import Outcome
from shared.errors import StorageFailed

SIZE = Size(40, 600, 640)


def growing(part: str, powers: Mapping[str, float], *, axis: str = "all") -> list[Point]:
    """Points whose quantities are powers of the factor."""
    return [
        Point(
            axis,
            factor,
            SIZE.times(axis, factor),
            part,
            {name: 1e6 * factor**power for name, power in powers.items()},
        )
        for factor in FACTORS
    ]


def reason(points: list[Point], part: str, quantity: str, axis: str = "all") -> str:
    curves = {tuple(key): curve for *key, curve in Growth(points, []).curves()}
    return growth_report.reason_of(curves, part, quantity, axis)  # type: ignore[arg-type]


def _said(_fraction: float, _note: str) -> None:
    return None


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_a_slope_is_the_power_of_growth(power: float) -> None:
    assert slope([(factor, 5.0 * factor**power) for factor in (1, 4, 16)]) == pytest.approx(power)


def test_a_slope_of_nothing_is_no_number() -> None:
    assert math.isnan(slope([(1, 0.0), (4, 1.0)]))


def test_one_axis_grows_at_a_time() -> None:
    size = Size(1, 2, 3)

    assert size.times("items", 4) == Size(1, 8, 3)
    assert size.times("all", 16) == Size(16, 32, 48)


def test_growth_is_drawn_and_told(tmp_path: Path) -> None:
    points = growing("item", {"train s": 1.0, "train memory": 1.0}, axis="users")
    whole = replace(report(), growth=Growth(points, ["ncf at 40 x 600, 640: out of memory"]))

    everything.write(whole, tmp_path)

    told_of = (tmp_path / "bench.md").read_text()
    assert "| item | train s | 1e+06 s |  | 1.00 |" in told_of
    assert "out of memory" in told_of
    assert "item,train s,s,users,16,640,600,640,1.6e+07,0.000" in (tmp_path / "growth.csv").read_text()
    picture = ElementTree.fromstring((tmp_path / "growth.svg").read_text())
    assert len(picture.findall(".//{*}polyline")) == 2
    assert draw(Growth([], [])).count("not measured") == 2 * len(AXES)


def test_a_line_needs_no_reason() -> None:
    assert reason(growing("item", {"train s": 1.1}), "item", "train s") == ""


def test_what_must_be_steep_is_named_up_to_what_it_must() -> None:
    assert reason(growing("lfm", {"lists s": 2.05}), "lfm", "lists s") == "catalogue"
    assert reason(growing("lfm", {"lists s": 2.3}), "lfm", "lists s") == "unexplained"
    assert reason(
        growing("item", {"train s": 1.9}, axis="interactions"), "item", "train s", "interactions"
    ) == ("pairs")


def test_memory_explains_what_its_bare_touches_show() -> None:
    floor = growing("floor", {"reads s": 1.3, "updates s": 1.5})
    points = [*floor, *growing("attack", {"features s": 1.35, "memory": 1.3})]

    assert reason(points, "attack", "features s") == "memory"
    assert reason([*floor, *growing("attack", {"features s": 1.45})], "attack", "features s") == "unexplained"
    assert reason([*floor, *growing("lfm", {"train s": 1.55})], "lfm", "train s") == "memory"
    assert reason(points, "attack", "memory") == "unexplained"  # bytes are bytes wherever they lie


def test_a_disturbed_point_makes_the_machine_busy() -> None:
    quiet = growing("item", {"train s": 1.0})
    busy = [replace(point, others_share=0.4) for point in quiet]

    assert growth_report.is_quiet(Growth(quiet, []))
    assert not growth_report.is_quiet(Growth(busy, []))
    assert "others had up to 40% of the machine" in "\n".join(growth_report.growth_section(Growth(busy, [])))


def test_what_is_kept_is_found_by_all_it_depends_on(tmp_path: Path) -> None:
    path = tmp_path / "out" / "growth.jsonl"
    Kept(path).add({"part": "item", "users": 4}, Outcome(1.0, 2.0, figures={"train s": 0.5}))

    again = Kept(path)

    found = again.get({"users": 4, "part": "item"})
    assert found is not None
    assert found.figures == {"train s": 0.5}
    assert again.get({"part": "item", "users": 5}) is None
    assert again.n_reused == 1


def test_what_other_code_measured_is_not_found(tmp_path: Path) -> None:
    path = tmp_path / "growth.jsonl"
    Kept(path).add({"part": "item"}, Outcome(1.0, 2.0))
    path.write_text(path.read_text().replace('"code": "', '"code": "0'))

    assert Kept(path).get({"part": "item"}) is None


def test_a_line_cut_off_is_measured_again_and_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "growth.jsonl"
    Kept(path).add({"part": "item"}, Outcome(1.0, 2.0))
    path.write_text(path.read_text().rstrip()[:-5])

    cut_off = Kept(path)
    assert cut_off.get({"part": "item"}) is None
    cut_off.add({"part": "item"}, Outcome(3.0, 2.0))

    assert Kept(path).get({"part": "item"}) == Outcome(3.0, 2.0, versions={}, notes=[])


def test_a_file_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageFailed, match="could not be written"):
        Kept(tmp_path / "file" / "growth.jsonl").add({}, Outcome(1.0, 2.0))


def test_a_run_whose_points_are_all_kept_measures_nothing(tmp_path: Path) -> None:
    toys = replace(settings(tmp_path), kept=tmp_path / "growth.jsonl", n_threads=1)
    kept = Kept(toys.kept)
    for size in {SIZE.times(axis, factor) for axis in AXES for factor in FACTORS}:
        for part in ("world", *PARTS):
            kept.add(
                {**vars(size), "seed": 0, "threads": 1, "part": part},
                Outcome(1.0, size.interactions, figures={"train s": float(size.users)}),
            )

    found = grow(toys, report=_said)

    assert found.failures == []
    assert found.n_reused == 9 * (1 + len(PARTS))
    assert len(found.points) == len(AXES) * len(FACTORS) * len(PARTS)
    assert "kept by an earlier call" in "\n".join(growth_report.growth_section(found))
