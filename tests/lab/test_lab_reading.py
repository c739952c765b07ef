"""The plain words say what the figures say, and no more."""

import pytest
from lab_worlds import figures, judgement

from lab.reading import controls_reading, reading


def test_a_fallback_list_is_named_as_the_leak() -> None:
    text = reading(judgement(figures(0.99), baselines={"identical lists": figures(1.0)}))

    assert "'identical lists' alone reaches 1.00" in text
    assert "serving policy (strangers share one list)" in text
    assert "whether training leaks too, this run cannot tell" in text


def test_no_leak_is_not_called_proven() -> None:
    chance = figures(0.51, width=0.03)
    text = reading(judgement(chance, baselines={"popular overlap": chance}))

    assert "no better than guessing" in text
    assert "does not prove that nothing leaks" in text


def test_an_attack_that_misses_what_a_baseline_sees_says_so() -> None:
    text = reading(judgement(figures(0.51, width=0.03), baselines={"popular overlap": figures(0.8)}))

    assert "something leaks that the attack does not see" in text


def test_members_that_differ_by_their_histories_void_the_attack() -> None:
    text = reading(judgement(figures(0.7), baselines={"history only": figures(0.72)}))

    assert "no evidence that this one leaks" in text


def test_a_baseline_as_good_as_the_attack_is_admitted() -> None:
    text = reading(judgement(figures(0.9), baselines={"popular overlap": figures(0.89)}))

    assert "no gain by the learned attack" in text


def test_an_attack_above_all_baselines_is_credited() -> None:
    text = reading(judgement(figures(0.953, tpr=0.8)))

    assert "in 95.3% of the cases" in text
    assert "accusing 10% of the non-members, it finds 80.0% of the members" in text
    assert "No baseline does as well (the best, 'popular overlap', reaches 0.70)" in text


def test_a_reversed_attack_is_called_reversed() -> None:
    assert "wrong more often than right" in reading(judgement(figures(0.3)))


@pytest.mark.parametrize("attack", [0.3, 0.5, 0.75, 0.95, 1.0])
@pytest.mark.parametrize("identical", [0.5, 0.9, 1.0])
@pytest.mark.parametrize("history", [0.5, 0.8])
def test_it_is_two_sentences_whatever_comes_out(attack: float, identical: float, history: float) -> None:
    baselines = {"identical lists": figures(identical), "history only": figures(history)}

    text = reading(judgement(figures(attack), baselines=baselines))

    assert text.count(". ") == 1
    assert text.endswith(".")


def test_controls_that_hold_are_said_to_hold() -> None:
    assert "as they must be" in controls_reading(judgement().controls)
    assert "NOT" not in controls_reading(judgement().controls)


@pytest.mark.parametrize(
    ("shuffled", "built_to_leak", "reason"),
    [((0.52, 0.58), 1.0, "must contain 0.5"), ((0.45, 0.55), 0.9, "must be above 0.95")],
)
def test_a_control_that_fails_warns(shuffled: tuple[float, float], built_to_leak: float, reason: str) -> None:
    text = controls_reading(judgement(shuffled=shuffled, built_to_leak=built_to_leak).controls)

    assert "do not trust the figures" in text
    assert reason in text
