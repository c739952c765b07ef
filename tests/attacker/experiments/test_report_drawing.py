"""The parts of drawings: markup, scales, colors, labels, thinning, numbers."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from services.attacker.experiments.report import svg
from services.attacker.experiments.report.colors import DIFFERENCE, SEPARATION, contrast, text_color
from services.attacker.experiments.report.heatmap import Entry, heatmap
from services.attacker.experiments.report.markup import tag
from services.attacker.experiments.report.pictures import thinned
from services.attacker.experiments.report.wording import axis_value, counts, number, seeds, signed, span

_READABLE = 4.5  # WCAG 2.2, level AA, for text of usual size


def test_text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", "a < b", Markup("<b>c</b>")) == "<p>a &lt; b<b>c</b></p>"


def test_attributes_are_escaped_and_have_two_decimals() -> None:
    assert tag("g", class_='"x"', stroke_width=1 / 3, hidden=None, x=-0.0001) == (
        '<g class="&#34;x&#34;" stroke-width="0.33" x="0"></g>'
    )


@given(st.floats(0, 1))
def test_text_on_every_color_can_be_read(share: float) -> None:
    for scale in (SEPARATION, DIFFERENCE):
        background = scale.color(scale.low + share * (scale.high - scale.low))

        assert contrast(text_color(background), background) >= _READABLE


def test_a_value_outside_a_scale_has_the_color_of_its_end() -> None:
    assert DIFFERENCE.color(-0.9) == DIFFERENCE.color(-0.5) == "#762a83"


def test_chance_has_no_color() -> None:
    assert SEPARATION.color(0.5) == "#f7f7f7"


def test_black_and_white_contrast_most() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


def test_a_logarithmic_scale_draws_what_is_too_small_at_its_end() -> None:
    scale = svg.Log(0.01, 1.0, 0.0, 100.0)

    assert [scale(value) for value in (0.0, 0.01, 0.1, 1.0)] == pytest.approx([0, 0, 50, 100])


@given(st.lists(st.floats(0, 200), min_size=1, max_size=9))
def test_labels_keep_their_order_and_distance(wanted: list[float]) -> None:
    places = svg.spread_labels(wanted, gap=14, low=0, high=200)

    in_order = [places[at] for at in sorted(range(len(wanted)), key=lambda one: wanted[one])]
    assert all(b - a >= 14 - 1e-9 for a, b in pairwise(in_order))
    assert max(places) <= 200 + 1e-9


def test_labels_that_are_apart_stay_where_they_are() -> None:
    assert svg.spread_labels([50.0, 10.0], gap=14, low=0, high=100) == [50.0, 10.0]


def test_a_cell_without_an_entry_is_empty() -> None:
    entries = {("a", "x"): Entry(0.938, ("0.938",), "a to x: 0.938")}

    drawn = heatmap("title", ["a", "b"], ["x"], entries, scale=SEPARATION)

    assert drawn.count(">0.938</text>") == 1
    assert drawn.count('class="empty"') == 1


def test_thinning_is_even_and_keeps_both_ends() -> None:
    assert thinned(np.arange(1001), 3).tolist() == [0, 500, 1000]
    assert thinned(np.arange(2), 3).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.93849, "0.938"),
        (1.0, "1.000"),
        (-0.25, "\N{MINUS SIGN}0.250"),
        (float("nan"), "\N{EN DASH}"),
        (None, "\N{EN DASH}"),
    ],
)
def test_figures_have_three_decimals(value: float | None, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0612, "+0.061"),
        (-0.0612, "\N{MINUS SIGN}0.061"),
        (0.0001, "0.000"),
        (-0.0001, "0.000"),
        (0.0, "0.000"),
    ],
)
def test_a_difference_has_a_sign_unless_it_rounds_to_nothing(value: float, shown: str) -> None:
    assert signed(value) == shown


def test_an_interval_of_one_value_is_that_value() -> None:
    assert span(0.5, 0.5001) == "0.500"
    assert span(0.5, 0.6) == "0.500\N{EN DASH}0.600"


def test_nothing_given_means_all_or_off() -> None:
    assert axis_value("known_history", None) == "all"
    assert axis_value("pool", float("nan")) == "off"
    assert axis_value("pool", 5000.0) == "5,000"


def test_counts_and_seeds_in_words() -> None:
    assert counts([50, 50]) == "50"
    assert counts([188, 1973]) == "188 to 1,973"
    assert seeds([0]) == "seed 0"
    assert seeds([2, 0]) == "seeds 0 and 2"
    assert seeds(range(5)) == "seeds 0 to 4"
