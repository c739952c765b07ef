"""Seeds, lists, shapes and progress keep their promises."""

import numpy as np
import pytest

from shared.arrays import check_shape, content_hash
from shared.errors import JobStopped
from shared.progress import Progress
from shared.randomness import rng_for, seed_for
from shared.ranked_lists import RankedLists


def test_seeds_derive_from_names():
    assert seed_for("run", 3) == seed_for("run", 3)
    assert len({seed_for("run", 3), seed_for("run", "3"), seed_for("run3"), seed_for(3, "run")}) == 4
    assert 0 <= seed_for("run") < 2**63
    assert rng_for("a").random() == rng_for("a").random()


def test_a_seed_without_a_name_is_refused():
    with pytest.raises(ValueError, match="name"):
        seed_for()


def test_short_lists_say_their_length():
    lists = RankedLists.from_ragged([np.array([4, 2]), np.array([], dtype=int)], k=3)

    assert lists.items.tolist() == [[4, 2, -1], [-1, -1, -1]]
    assert lists.of(0).tolist() == [4, 2]
    assert lists.top(1).items.tolist() == [[4], [-1]]
    assert lists.top(1).lengths.tolist() == [1, 0]
    assert lists.take(np.array([1, 0])).lengths.tolist() == [0, 2]


@pytest.mark.parametrize("lengths", [[1], [3]])
def test_a_hole_in_a_list_is_refused(lengths):
    with pytest.raises(ValueError, match="end of its list"):
        RankedLists(np.array([[4, 2, -1]], dtype=np.int32), np.array(lengths, dtype=np.int32))


def test_shapes_that_do_not_fit_name_both():
    with pytest.raises(ValueError, match=r"x must have shape \(None, 2\), found \(3,\)"):
        check_shape("x", np.zeros(3), (None, 2))


def test_content_hash_depends_on_values_type_and_shape():
    a = np.arange(4)

    assert content_hash(a) == content_hash(a.copy())
    assert len({content_hash(x) for x in (a, a[::-1], a.astype(np.int32), a.reshape(2, 2))}) == 4


def test_progress_of_a_part_fills_its_share():
    seen = []
    progress = Progress(report=lambda fraction, note: seen.append((fraction, note)))

    progress.part(0.5, 1.0).part(0.0, 0.5).step(1.0, "half of the second half")

    assert seen == [(0.75, "half of the second half")]


def test_a_stop_reaches_the_innermost_part():
    progress = Progress(should_stop=lambda: True)

    with pytest.raises(JobStopped, match="stopped while: counting"):
        progress.part(0, 0.5).step(0.1, "counting")
