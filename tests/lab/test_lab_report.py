"""What the demo prints and writes."""

import io
from pathlib import Path

import pytest
from lab_worlds import attack, deployment, figures, judgement, result
from rich.console import Console

from lab.demo import DemoResult
from lab.demo_report import as_json, check_writable, judged, print_report
from shared.errors import BadInput, JobFailed


def _printed(shown: DemoResult) -> str:
    text = io.StringIO()
    print_report(shown, Console(file=text, width=120))
    return text.getvalue()


def _row(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.strip().startswith(name))


def test_the_table_has_the_attack_the_baselines_and_the_controls() -> None:
    text = _printed(result())

    assert "0.950 [0.930, 0.970]" in _row(text, "difference")
    assert "0.900" in _row(text, "difference")
    assert "0.700 [0.680, 0.720]" in _row(text, "popular overlap")
    assert "0.999" in _row(text, "built to leak")
    assert "0.500 [0.460, 0.540]" in _row(text, "shuffled labels")
    for column in ("AUC [95%]", "balanced", "TPR at", "10% FPR", " 1% FPR", "0.1% FPR"):
        assert column in text


def test_the_table_fits_into_80_columns() -> None:
    text = io.StringIO()
    print_report(result(judgement(figures(1.0))), Console(file=text, width=80))

    row = _row(text.getvalue(), "difference")
    assert "…" not in text.getvalue()
    assert "1.000 [0.980, 1.000]" in row
    assert row.rstrip().endswith("0.800*")


def test_what_the_sample_cannot_resolve_is_marked_and_explained() -> None:
    text = _printed(result())

    assert _row(text, "difference").count("*") == 1
    assert "473 allow no FPR between 0 and 0.21%" in text


def test_the_target_is_described_above_the_table() -> None:
    text = _printed(result())

    assert "lfm on lastfm-2k" in text
    assert "473 members, 473 non-members" in text
    assert "0.310 [0.270, 0.350] for members; the popularity list gives them 0.210" in text
    assert text.index("HR@100") < text.index("AUC [95%]") < text.index("Given one member")


def test_a_recommender_that_is_no_better_than_popularity_is_told() -> None:
    """Its leak is real, but nobody would run it."""
    hits = {"k": 100, "members": 0.2, "members_interval": [0.15, 0.26], "popularity": 0.23, "n_users": 188}

    assert "not clearly better" in _printed(DemoResult(deployment(hr_at_k=hits), attack(judgement())))
    assert "not clearly better" not in _printed(result())


def test_a_score_without_a_threshold_has_no_accuracy() -> None:
    assert "–" in _row(_printed(result()), "popular overlap")


def test_a_hit_rate_that_was_not_measured_is_said_with_its_reason() -> None:
    progress = {"fraction": 1.0, "note": "ready; HR@k was not measured: too few users"}
    unmeasured = DemoResult(
        deployment(hr_at_k=None, quality="failed", progress=progress), attack(judgement())
    )

    assert "too few users" in _printed(unmeasured)


def test_users_without_a_label_are_told() -> None:
    some = judgement().model_copy(update={"unlabelled": 7})

    assert "the oracle does not know them: 7 users" in _printed(result(some))
    assert "oracle" not in _printed(result())


def test_the_file_holds_all_that_a_run_can_be_repeated_from() -> None:
    written = as_json(result(), seed=7, seconds=20.0)

    assert written["users"] == {"members": 473, "non_members": 473, "unlabelled": 0}
    assert written["target"]["hr_at_k"]["members"] == 0.31
    assert written["figures"]["auc"] == 0.95
    assert set(written["figures"]) >= {"auc", "auc_interval", "balanced_accuracy", "tpr_at_fpr"}
    assert written["baselines"]["popular overlap"]["auc"] == 0.7
    assert written["controls"]["shuffled_labels"]["interval"] == [0.46, 0.54]
    assert written["timings"] == {"query": 0.4, "shadow": 3.0, "target training": 10.0, "whole demo": 20.0}
    assert written["spec"]["attack"]["shadow"]["dataset"] == "ml-1m"
    assert written["spec"]["deployment"]["algorithm"] == "lfm"
    assert written["seed"] == 7
    assert set(written) >= {"coverage", "versions", "data_hashes"}


def test_an_attack_without_figures_is_an_error() -> None:
    with pytest.raises(JobFailed, match="without figures"):
        judged(DemoResult(deployment(), attack(None)))


def test_a_file_that_cannot_be_written_is_found_out_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="its folder does not exist"):
        check_writable(tmp_path / "nowhere" / "out.json")
    with pytest.raises(BadInput, match="is a folder"):
        check_writable(tmp_path)

    check_writable(tmp_path / "out.json")
    assert list(tmp_path.iterdir()) == []


def test_the_result_of_a_run_is_the_same_whoever_prints_it() -> None:
    assert _printed(result(judgement(figures(0.6)))) == _printed(result(judgement(figures(0.6))))
