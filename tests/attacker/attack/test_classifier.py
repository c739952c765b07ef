"""The attack model learns a planted difference, has the right sign, and repeats itself to the byte."""

import numpy as np
import pytest

from services.attacker.attack.classifier import AttackModel, ClassifierSettings, train_classifier
from services.attacker.attack.metrics import auc
from services.attacker.attack.registry import PRESETS
from services.attacker.attack.thresholds import best_threshold
from shared.errors import JobStopped
from shared.progress import SILENT, Progress

ALL = pytest.mark.parametrize(
    "settings", [preset.classifier for preset in PRESETS.values()], ids=list(PRESETS)
)


def planted(n=400, length=6, shift=2.0, seed=0):
    """Members lie `shift` away from the others along the first axis."""
    rng = np.random.default_rng(seed)
    is_member = rng.permutation(np.arange(n) % 2 == 0)
    features = rng.normal(size=(n, length)).astype(np.float32)
    features[is_member, 0] += shift
    return features, is_member


@ALL
def test_a_planted_difference_is_found(settings):
    model = train_classifier(*planted(seed=0, shift=4.0), settings=settings, seed=1, progress=SILENT)
    features, is_member = planted(seed=5, shift=4.0)

    # four deviations apart: the best possible AUC is 0.998; members first unlearns half of it in each epoch
    assert auc(model.score(features), is_member) > (0.95 if settings.is_members_first else 0.99)


@ALL
def test_swapped_labels_reverse_the_ranking(settings):
    features, is_member = planted(shift=4.0)

    model = train_classifier(features, ~is_member, settings=settings, seed=1, progress=SILENT)

    assert auc(model.score(features), is_member) < (0.05 if settings.is_members_first else 0.01)


@ALL
def test_same_seed_same_bytes_other_seed_other_bytes(settings):
    features, is_member = planted()

    first, again, other = (
        train_classifier(features, is_member, settings=settings, seed=seed, progress=SILENT).score(features)
        for seed in (1, 1, 2)
    )

    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@ALL
def test_a_stored_model_scores_alike(settings):
    features, is_member = planted(n=60)
    model = train_classifier(features, is_member, settings=settings, seed=1, progress=SILENT)

    again = AttackModel.from_arrays(model.to_arrays())

    assert again.score(features).tobytes() == model.score(features).tobytes()
    assert again.threshold == model.threshold


CENTERED = ClassifierSettings(is_shuffled=True, is_centered=True)


def test_scale_and_offset_do_not_matter_once_centered():
    """Features a million times smaller and moved are the same evidence after centering."""
    features, is_member = planted(shift=4.0)
    tiny = features * np.float32(2**-20) + np.float32(2**-4)

    model = train_classifier(tiny, is_member, settings=CENTERED, seed=1, progress=SILENT)

    assert auc(model.score(tiny), is_member) > 0.98


def test_a_world_moved_elsewhere_scores_alike_once_centered():
    """Two services have two popular lists: the place of the features differs, their shape does not."""
    features, is_member = planted(shift=4.0)
    model = train_classifier(features, is_member, settings=CENTERED, seed=1, progress=SILENT)

    moved = model.score(features + np.float32(32))

    # float32 at 32 resolves 4e-6
    assert moved == pytest.approx(model.score(features), abs=1e-3)


def test_too_few_users_are_placed_by_the_shadow():
    features, is_member = planted(shift=4.0)
    model = train_classifier(features, is_member, settings=CENTERED, seed=1, progress=SILENT)

    alone = [model.score(features[[row]])[0] for row in range(40)]

    assert alone == pytest.approx(model.score(features)[:40], abs=1e-3)


def test_a_shadow_of_one_kind_is_refused():
    with pytest.raises(ValueError, match="members and non-members"):
        train_classifier(
            np.zeros((4, 2), np.float32),
            np.ones(4, dtype=bool),
            settings=ClassifierSettings(),
            seed=0,
            progress=SILENT,
        )


def test_training_stops_when_asked():
    asked = iter([False, False, True])
    progress = Progress(should_stop=lambda: next(asked))

    with pytest.raises(JobStopped):
        train_classifier(*planted(n=40), settings=ClassifierSettings(), seed=0, progress=progress)


@pytest.mark.parametrize(
    ("scores", "is_member", "expected"),
    [
        ([0.0, 1.0, 2.0, 3.0], [False, False, True, True], 1.5),
        ([0.0, 1.0, 2.0, 3.0], [False, True, True, True], 0.5),
        ([5.0, 5.0], [True, False], 5.0),
    ],
)
def test_best_threshold_by_hand(scores, is_member, expected):
    assert best_threshold(np.array(scores), np.array(is_member)) == expected
