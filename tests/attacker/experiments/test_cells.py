"""Cells speak the paper's notation, and a grid writes them out completely and once."""

import pytest

from services.attacker.experiments.cells import Cell, Part, Side, parse_code, with_seed
from services.attacker.experiments.grids import Grid, grid_folder, load_grids, select
from services.attacker.experiments.published import HIT_RATES, published_figure
from shared.attacks import AttackPreset
from shared.errors import BadInput, NotFound
from shared.recommenders.base import Algorithm

GRIDS = load_grids(grid_folder())


def test_four_letters_are_shadow_then_target():
    shadow, target = parse_code("AIMN")

    assert shadow == Side("adm", Algorithm.ITEM)
    assert target == Side("ml-1m", Algorithm.NCF)
    assert Cell(shadow, target).code == "AIMN"


def test_two_letters_are_both_sides():
    assert parse_code("ml") == (Side("ml-1m", Algorithm.LFM), Side("ml-1m", Algorithm.LFM))


@pytest.mark.parametrize("code", ["", "A", "AIM", "AIMX", "XIMN", "AIMNA", "IAIA"])
def test_other_letters_are_refused_with_what_they_mean(code):
    with pytest.raises(BadInput, match="such as LILN"):
        parse_code(code)


def test_a_seed_moves_the_division_too():
    cell = with_seed(Cell(*parse_code("LI")), 7)

    assert cell.split.seed == cell.seed == 7


def test_datasets_without_a_letter_are_named():
    assert Cell(*(Side("synthetic", Algorithm.ITEM),) * 2).code == "synthetic/item -> synthetic/item"


def test_the_papers_tables_are_whole():
    """27 cells of tables 3 to 5, and 18 across datasets from the later paper's heatmap."""
    algorithms = (Algorithm.ITEM, Algorithm.LFM, Algorithm.NCF)
    sides = [(dataset, algorithm) for dataset in ("adm", "lastfm-2k", "ml-1m") for algorithm in algorithms]

    found = [published_figure(shadow, target) for shadow in sides for target in sides]

    assert sum(figure is not None for figure in found) == 27 + 18
    assert len(HIT_RATES) == 9
    assert published_figure(("adm", Algorithm.ITEM), ("adm", Algorithm.NCF)) == 0.750
    assert published_figure(("ml-1m", Algorithm.NCF), ("ml-1m", Algorithm.ITEM)) == 0.976


def test_means_of_the_published_cells_are_those_the_later_paper_prints():
    """DL-MIA gives 0.926, 0.752 and 0.531 for assumptions I, II and III over ADM and ml-1m."""
    algorithms = (Algorithm.ITEM, Algorithm.LFM, Algorithm.NCF)
    sides = [(dataset, algorithm) for dataset in ("adm", "ml-1m") for algorithm in algorithms]

    def mean(keep):
        return sum(kept := [published_figure(s, t) for s in sides for t in sides if keep(s, t)]) / len(kept)

    assert mean(lambda s, t: s == t) == pytest.approx(0.926, abs=5e-4)
    assert mean(lambda s, t: s[0] == t[0] and s != t) == pytest.approx(0.752, abs=5e-4)
    assert mean(lambda s, t: s[0] != t[0]) == pytest.approx(0.531, abs=5e-4)


@pytest.mark.parametrize(
    ("name", "n_cells"),
    [("figure-3", 27), ("table-3", 27), ("assumption-3", 162), ("k", 54), ("table-2", 0), ("weights", 27)],
)
def test_grids_write_out_their_cells(name, n_cells):
    cells = GRIDS[name].cells([0])

    assert len(cells) == len(set(cells)) == n_cells
    assert len(GRIDS[name].cells([0, 1, 2])) == 3 * n_cells


def test_a_published_grid_varies_nothing_but_the_preset():
    for grid in GRIDS.values():
        if grid.is_published:
            assert all(cell == Cell(cell.shadow, cell.target, preset=cell.preset) for cell in grid.cells([0]))


def test_the_paper_is_all_its_tables_figures_and_studies():
    names = {grid.name for grid in select(GRIDS, "paper")}

    assert {"table-2", "figure-3", "table-3", "table-4", "table-5", "assumption-3"} <= names
    assert {"k", "l", "weights", "attack-model", "history-length", "n-shadow-users", "split"} <= names
    assert "k-of-popularity-randomisation" in names


def test_settings_of_a_recommender_stand_on_both_sides():
    cells = GRIDS["lfm-start-attack"].cells([0])

    assert {cell.target.settings for cell in cells} == {
        None,
        "init_scale=0.03",
        "init=uniform init_scale=0.1",
        "init=uniform init_scale=0.2",
    }
    assert all(cell.shadow.settings == cell.target.settings for cell in cells)
    assert {cell.target.algorithm for cell in cells} == {Algorithm.LFM}


def test_all_81_cells_are_in_the_paper():
    cells = {cell for grid in select(GRIDS, "paper") for cell in grid.cells([0])}
    plain = {cell for cell in cells if cell == Cell(cell.shadow, cell.target, preset=cell.preset)}

    for preset in AttackPreset:
        assert len({cell.code for cell in plain if cell.preset is preset}) == 81


def test_zero_means_all_and_off():
    cells = GRIDS["k-of-popularity-randomisation"].cells([0])

    assert {cell.target.pool for cell in cells} == {None, 200, 500, 1000, 2000, 5000}
    assert all(cell.shadow.pool in (None, cell.target.pool) for cell in cells)
    assert {cell.known_history for cell in GRIDS["history-length"].cells([0])} == {1, 5, 10, 20, None}


def test_an_unknown_grid_names_those_there_are():
    with pytest.raises(NotFound, match="figure-3"):
        select(GRIDS, "figure-99")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title =", "is not TOML"),
        ('title = "t"\nabout = "a"\nx = "y"\ndatasets = [["a", "b"]]', "x must be one of k, "),
        ('title = "t"\nabout = "a"\ncolour = 1\ndatasets = [["a", "b"]]', "own.toml, colour"),
        ('title = "t"\nabout = "a"', "whole"),
        ('title = "t"\nabout = "a"\nkind = "collection"\nincludes = ["b"]', "includes b"),
    ],
)
def test_a_grid_of_ones_own_is_checked(tmp_path, text, message):
    (tmp_path / "own.toml").write_text(text)

    with pytest.raises(BadInput, match=message):
        load_grids(tmp_path)


def test_a_part_knows_its_name():
    assert [part.value for part in Part] == ["shadow", "target"]
    assert Grid.model_fields["kind"].default == "attack"
