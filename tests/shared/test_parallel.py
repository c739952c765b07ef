"""Blocks cover everything once, whatever the number of threads."""

import threading

import pytest

from shared.errors import BadInput
from shared.parallel import THREADS, n_threads, run_blocks, run_rounds, share


@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize(("n", "block"), [(0, 4), (1, 4), (7, 3), (8, 4), (100, 1)])
def test_blocks_cover_all_elements_once(monkeypatch, threads, n, block):
    monkeypatch.setenv(THREADS, threads)
    seen = []

    run_blocks(lambda start, stop: seen.append((start, stop)), n, block=block)

    assert sorted(element for start, stop in seen for element in range(start, stop)) == list(range(n))
    assert all(0 < stop - start <= block for start, stop in seen)


def test_blocks_run_at_the_same_time(monkeypatch):
    """Each waits for the other, so that one after the other would never end."""
    monkeypatch.setenv(THREADS, "2")
    both = threading.Barrier(2, timeout=30)
    met = []

    run_blocks(lambda _start, _stop: met.append(both.wait()), 2, block=1)

    assert sorted(met) == [0, 1]


@pytest.mark.parametrize("threads", ["1", "2"])
def test_an_error_in_a_block_comes_out(monkeypatch, threads):
    monkeypatch.setenv(THREADS, threads)

    def fail(start, _stop):
        if start == 3:
            raise ValueError("block 3 is broken")

    with pytest.raises(ValueError, match="block 3 is broken"):
        run_blocks(fail, 6, block=1)


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_a_round_begins_when_the_one_before_has_ended(monkeypatch, threads):
    monkeypatch.setenv(THREADS, threads)
    done, lock = [], threading.Lock()

    def work(number, task):
        with lock:
            assert all(before >= number - 1 for before, _ in done[-1:])
            assert sum(before < number for before, _ in done) == 3 * number
            done.append((number, task))

    run_rounds(work, 4, n_tasks=3)

    assert sorted(done) == [(number, task) for number in range(4) for task in range(3)]


@pytest.mark.parametrize("threads", ["1", "3"])
def test_an_error_in_a_round_ends_all_and_comes_out(monkeypatch, threads):
    monkeypatch.setenv(THREADS, threads)
    begun = []

    def work(number, task):
        begun.append(number)
        if (number, task) == (1, 2):
            raise ValueError("task 2 is broken")

    with pytest.raises(ValueError, match="task 2 is broken"):
        run_rounds(work, 5, n_tasks=4)

    assert max(begun) == 1


@pytest.mark.parametrize("asked", ["0", "-1", "two", ""])
def test_an_impossible_number_of_threads_is_named(monkeypatch, asked):
    monkeypatch.setenv(THREADS, asked)

    with pytest.raises(BadInput, match="RECLEAK_THREADS must be a whole number above 0"):
        n_threads()


def test_shares_leave_every_thread_some_blocks(monkeypatch):
    monkeypatch.setenv(THREADS, "2")

    assert share(800) == 100
    assert share(800, shares=16) == 25
    assert share(8, least=32) == 32
    assert share(0) == 1
