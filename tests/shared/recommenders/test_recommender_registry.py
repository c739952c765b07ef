"""Hyperparameters from outside, and what a catalogue says of them."""

import pytest

from shared.recommenders.base import Algorithm
from shared.recommenders.item_knn import ItemSettings
from shared.recommenders.lfm_training import LfmSettings, Start
from shared.recommenders.registry import KINDS, describe, parse_hyperparameters


def test_absent_hyperparameters_have_the_papers_defaults():
    lfm = parse_hyperparameters(Algorithm.LFM, {})
    ncf = parse_hyperparameters(Algorithm.NCF, {})

    assert (lfm.learning_rate, lfm.regularization, lfm.n_epochs, lfm.n_negatives) == (0.01, 0.01, 20, 1)
    assert (ncf.n_mlp_factors, ncf.n_gmf_factors, ncf.n_negatives) == (32, 8, 4)
    assert (ncf.learning_rate, ncf.n_epochs, ncf.batch_size) == (0.001, 20, 256)


def test_values_are_taken_as_they_are_and_whole_numbers_as_fractions():
    assert parse_hyperparameters(Algorithm.ITEM, {"n_neighbors": None}) == ItemSettings(None)
    assert parse_hyperparameters(Algorithm.LFM, {"learning_rate": 1}) == LfmSettings(learning_rate=1.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"neighbours": 3}, "no hyperparameter 'neighbours'; valid: n_neighbors"),
        ({"n_neighbors": 0}, "n_neighbors must be at least 1, found 0"),
        ({"n_neighbors": 2.5}, "n_neighbors must be int or null, found 2.5"),
        ({"n_neighbors": True}, "n_neighbors must be int or null, found True"),
        ({"n_neighbors": "3"}, "n_neighbors must be int or null, found '3'"),
    ],
)
def test_a_wrong_hyperparameter_is_named(values, message):
    with pytest.raises(ValueError, match=message):
        parse_hyperparameters(Algorithm.ITEM, values)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, None])
def test_a_fraction_must_be_finite_and_in_range(value):
    with pytest.raises(ValueError, match="learning_rate must be"):
        parse_hyperparameters(Algorithm.LFM, {"learning_rate": value})


def test_a_choice_is_taken_by_name():
    assert parse_hyperparameters(Algorithm.LFM, {"init": "uniform"}) == LfmSettings(init=Start.UNIFORM)
    for wrong in ("cauchy", 3, None):
        with pytest.raises(ValueError, match="init must be one of normal, uniform, found"):
            parse_hyperparameters(Algorithm.LFM, {"init": wrong})


def test_every_hyperparameter_is_described():
    found = {one.algorithm: one for one in describe()}

    assert set(found) == set(KINDS)
    assert all(one.documentation for one in found.values())
    assert all(parameter.documentation for one in found.values() for parameter in one.parameters)
    neighbors = found[Algorithm.ITEM].parameters[0]
    assert (neighbors.name, neighbors.types, neighbors.default) == ("n_neighbors", ("int", "null"), None)
    init = next(one for one in found[Algorithm.LFM].parameters if one.name == "init")
    assert (init.types, init.choices, init.default) == (("choice",), ("normal", "uniform"), "normal")
