"""The report: one file that stands alone, whatever the run has and has not."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from services.attacker.experiments.failures import FAILURES_FILE, write_whole
from services.attacker.experiments.report.document import REPORT_FILE
from shared.errors import BadInput
from tests.attacker.experiments.report_world import (
    ACROSS,
    DIVISIONS,
    LENGTHS,
    POOLS,
    QUALITY,
    TABLES,
    World,
    figures,
    grid,
)

EVERYTHING = (QUALITY, TABLES, ACROSS, LENGTHS, DIVISIONS, POOLS)
_VOID = {"meta", "link", "br", "img", "hr", "input"}


class Checked(HTMLParser):
    """Follows the tags: each is closed in its turn; remembers links, anchors, names and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.anchors: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        assert not {"src", "xlink:href"} & given.keys()
        if tag == "a":
            self.anchors.append(str(given["href"]))
        if "id" in given:
            self.ids.append(str(given["id"]))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(page: str) -> Checked:
    checked = Checked()
    checked.feed(page)
    checked.close()
    return checked


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return World(tmp_path_factory.mktemp("world"), EVERYTHING).fill().report()


def test_it_stands_alone(page: str) -> None:
    """No address, script, import or file outside: it can be mailed and read without a network."""
    assert not re.findall(r"https?://|url\(|@import|javascript:", page)
    assert not {"script", "link", "img", "iframe"} & {*parsed(page).tags}
    assert "default-src 'none'" in page


def test_it_is_well_formed_and_its_contents_lead_somewhere(page: str) -> None:
    checked = parsed(page)

    assert checked.open == []
    assert len(checked.ids) == len({*checked.ids})
    assert {anchor.removeprefix("#") for anchor in checked.anchors} <= {*checked.ids}


def test_each_drawing_says_what_it_shows(page: str) -> None:
    drawings = re.findall(r"<svg[^>]*>.*?</svg>", page, flags=re.DOTALL)

    assert len(drawings) > 30
    for drawing in drawings:
        assert re.match(r"<svg[^>]*role=\"img\"[^>]*><title>[^<]+</title><desc>[^<]+</desc>", drawing)


def test_each_figure_names_users_seed_and_division(page: str) -> None:
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page, flags=re.DOTALL)
    about_cells = [caption for caption in captions if "judged per cell" in caption]

    assert len(about_cells) > 10
    for caption in about_cells:
        assert "50 members and 50 others" in caption
        assert "seed 0" in caption
        assert "by interaction" in caption


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    world = World(tmp_path, (TABLES, LENGTHS)).fill()

    assert world.report() == world.report()


def test_it_says_what_was_run(page: str) -> None:
    for told in ("recleak experiment run made-up --seeds 1", "interactions-a", "numpy"):
        assert told in page


def test_a_name_cannot_write_markup(tmp_path: Path) -> None:
    """Titles and errors come from files; they are text."""
    wicked = grid("k", title="<script>alert(1)</script>", algorithms="same", x="k", vary={"k": [10]})
    world = World(tmp_path, (wicked,)).fill()
    write_whole(world.folder / FAILURES_FILE, '{"<img src=x>": "Broken: <b>no</b>"}')

    page = world.report()

    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;img src=x&gt;" in page
    assert "Broken: &lt;b&gt;no&lt;/b&gt;" in page


def test_a_failed_cell_is_an_empty_box(tmp_path: Path) -> None:
    """What was not measured has no figure, no color and no row; the text counts it."""
    world = World(tmp_path, (TABLES, LENGTHS)).fill(without=lambda planned: planned.cell.code == "AIAI")

    page = world.report()

    assert 'class="empty"' in page
    assert "3 planned cells of 63 have no figure" in page


@pytest.mark.parametrize("only", EVERYTHING, ids=lambda one: one.name)
def test_any_grid_alone_makes_a_report(tmp_path: Path, only: object) -> None:
    assert "<h2>" in World(tmp_path, (only,)).fill().report()  # type: ignore[arg-type]


@pytest.mark.parametrize("only", EVERYTHING, ids=lambda one: one.name)
def test_a_run_in_which_all_failed_makes_a_report(tmp_path: Path, only: object) -> None:
    world = World(tmp_path, (only,)).fill(without=lambda _: True)  # type: ignore[arg-type]

    parsed(world.report())


def test_curves_that_are_not_stored_any_more_are_counted(tmp_path: Path) -> None:
    world = World(tmp_path, (TABLES,)).fill()
    for planned in world.plan.cells:
        world.store.delete(planned.name)

    assert "18 of 18 curves are not stored any more" in world.report()


def test_several_seeds_show_the_mean_and_its_ends(tmp_path: Path) -> None:
    """0.900, 0.910 and 0.920: the cell shows the mean, and the ends below it."""
    page = World(tmp_path, (grid("table", datasets=[("adm", "adm")]),), seeds=(0, 1, 2)).fill().report()

    assert ">0.910</text>" in page
    assert ">0.900\N{EN DASH}0.920</text>" in page
    assert "mean over 3 seeds" in page


def test_each_setting_of_a_recommender_has_a_figure_of_its_own(tmp_path: Path) -> None:
    """Cells that differ in their recommenders alone are never averaged."""
    settings = grid("lfm", algorithms="same", among=["lfm"], hyperparameters=[{}, {"init_scale": 0.03}])
    world = World(tmp_path, (settings,))
    world.fill(change=lambda planned: {"auc": 0.25 if planned.cell.shadow.hyperparameters else 0.75})

    page = world.report()

    assert page.count(">0.750</text>") == page.count(">0.250</text>") == 3
    assert ">0.500</text>" not in page


def test_an_undefended_cell_stands_for_both_attackers(tmp_path: Path) -> None:
    page = World(tmp_path, (POOLS,)).fill().report()

    assert "attacker does not know of the defense" in page
    assert "shadow defended alike" in page
    assert len(re.findall(r"<text[^>]*>off</text>", page)) == 6


def test_a_folder_without_results_is_an_error(tmp_path: Path) -> None:
    world = World(tmp_path, (TABLES,))

    with pytest.raises(BadInput, match="no results"):
        world.report()
    assert not (world.folder / REPORT_FILE).exists()


def test_a_figure_stands_in_its_cell(tmp_path: Path) -> None:
    """The value of one cell is written in the matrix, and its difference from the published one beside it."""
    world = World(tmp_path, (TABLES,))
    world.fill(
        change=lambda one: (
            {"auc": 0.938} if one.cell.code == "MIMI" and one.cell.preset == "difference" else {}
        )
    )

    page = world.report()

    assert "shadow Item on ml-1m, target Item on ml-1m: ROC AUC 0.938" in page
    assert ">0.938</text>" in page
    assert ">\N{MINUS SIGN}0.060</text>" in page
    assert figures(0)["auc"] == 0.9
