"""The k best items of each user: exact, own history excluded, ties to the smaller item row."""

# ruff: noqa: PLR0917 - compiled loops take arrays by position

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Histories, Rows, Vectors, check_shape
from shared.compiled import compiled, csr_parts
from shared.parallel import run_blocks, share
from shared.ranked_lists import NO_ITEM, RankedLists

_BLOCK_BYTES = 96 * 2**20  # scores held at a time: all of MovieLens 1M, a sixteenth of Amazon Digital Music
_USER_BLOCK = 32  # users whom a thread ranks at a time, at least
_CHUNK = 1024  # users ranked between two looks at `should_stop`, at least


def rank_catalogue(
    scores_of: Callable[[Rows], Vectors], histories: Histories, user_rows: Rows, *, k: int
) -> RankedLists:
    """Rank the whole catalogue for some users, in blocks of bounded memory.

    scores_of  user rows to (len(rows), n_items) float32; larger = more recommended
    user_rows  (n,) rows of `histories`; repeats allowed
    Raises ValueError if k < 1, a user row does not exist, or a score is NaN.
    """
    rows = check_request(histories, user_rows, k=k)
    block = _block(histories.shape[1])
    parts = [
        top_lists(scores_of(rows[start : start + block]), histories, rows[start : start + block], k=k)
        for start in range(0, len(rows), block)
    ]
    return RankedLists.concatenate(parts) if parts else empty_lists(0, k)


def top_lists(scores: Vectors, histories: Histories, user_rows: Rows, *, k: int) -> RankedLists:
    """Take each user's k best items outside their history.

    scores     (n, n_items) float32, no NaN; larger = more recommended; infinities allowed
    user_rows  (n,) whose history, a row of `histories`, is left out
    returns    lists of min(k, items not in the history), score descending, then item row ascending
    Raises ValueError if shapes do not fit or a score is NaN.
    """
    check_shape("scores", scores, (len(user_rows), histories.shape[1]))
    lists = empty_lists(len(user_rows), k)
    indptr, indices = csr_parts(histories)
    rows = np.ascontiguousarray(scores)

    def rank(start: int, stop: int) -> None:
        block = slice(start, stop)
        _top(rows[block], indptr, indices, user_rows[block], lists.items[block], lists.lengths[block])

    run_blocks(rank, len(user_rows), block=share(len(user_rows), least=_USER_BLOCK))
    history_lengths = np.diff(indptr)[user_rows]
    if np.any(lists.lengths != np.minimum(k, histories.shape[1] - history_lengths)):
        raise ValueError("scores must not be NaN: the model diverged, lower its learning rate")
    return RankedLists(items=lists.items, lengths=lists.lengths)


def users_at_once(n_items: int) -> int:
    """Say for how many users to ask at a time: what a request costs once is shared, and it takes seconds."""
    return max(_CHUNK, _block(n_items))


def check_request(histories: Histories, user_rows: Rows, *, k: int) -> Rows:
    """Give user rows as int64. Raises ValueError if k < 1 or a row does not exist."""
    check_k(k)
    n_users = histories.shape[0]
    rows = np.asarray(user_rows, dtype=np.int64)
    if len(rows) and not 0 <= rows.min() <= rows.max() < n_users:
        raise ValueError(f"user rows must lie in [0, {n_users}), found {rows.min()} to {rows.max()}")
    return rows


def check_k(k: int) -> int:
    """Give k back. Raises ValueError if k < 1."""
    if k < 1:
        raise ValueError(f"k must be at least 1, found {k}")
    return k


def _block(n_items: int) -> int:
    return max(1, _BLOCK_BYTES // (4 * max(n_items, 1)))


def empty_lists(n_users: int, k: int) -> RankedLists:
    """Give lists without an item, to be filled."""
    return RankedLists(
        items=np.full((n_users, k), NO_ITEM, dtype=np.int32), lengths=np.zeros(n_users, dtype=np.int32)
    )


@compiled
def _top(
    scores: Vectors,
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    user_rows: Rows,
    items: NDArray[np.int32],
    lengths: NDArray[np.int32],
) -> None:
    """Fill items and lengths; between two items of the history the scan needs one comparison an item."""
    k = items.shape[1]
    n_items = scores.shape[1]
    heap = np.empty(k, np.float32)
    for n in range(len(user_rows)):
        row_scores = scores[n]
        heap_rows = items[n]
        size = 0
        item = 0
        first, last = indptr[user_rows[n]], indptr[user_rows[n] + 1]
        for position in range(first, last + 1):
            stop = indices[position] if position < last else n_items
            while item < stop:
                score = row_scores[item]
                if size == k:
                    # Items come in ascending rows: an equal score is the larger row, hence no better.
                    if score > heap[0]:
                        _sink(heap, heap_rows, size, 0, score, item)
                elif score == score:  # noqa: PLR0124 - NaN is the value that differs from itself
                    _rise(heap, heap_rows, size, score, item)
                    size += 1
                item += 1
            item = stop + 1
        lengths[n] = size
        sort_heap(heap, heap_rows, size)


@compiled
def offer(heap: NDArray[np.float32], rows: NDArray[np.int32], size: int, score: float, row: int) -> int:
    """Put an entry into a heap of the best len(rows), in any order of rows; return its size afterwards.

    heap, rows  (k,) scores and rows of `size` entries; the worst is at place 0
    """
    if size < len(rows):
        _rise(heap, rows, size, score, row)
        return size + 1
    if _is_worse(heap[0], rows[0], score, row):
        _sink(heap, rows, size, 0, score, row)
    return size


@compiled
def _is_worse(score: float, row: int, other_score: float, other_row: int) -> bool:
    return score < other_score or (score == other_score and row > other_row)


@compiled
def _sink(
    heap: NDArray[np.float32], rows: NDArray[np.int32], size: int, place: int, score: float, row: int
) -> None:
    """Replace the entry at `place` and restore the heap below it; the worst entry is at place 0."""
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        other = child + 1
        if other < size and _is_worse(heap[other], rows[other], heap[child], rows[child]):
            child = other
        if not _is_worse(heap[child], rows[child], score, row):
            break
        heap[place], rows[place] = heap[child], rows[child]
        place = child
    heap[place], rows[place] = score, row


@compiled
def _rise(heap: NDArray[np.float32], rows: NDArray[np.int32], size: int, score: float, row: int) -> None:
    """Append an entry to a heap of `size` entries."""
    place = size
    while place > 0:
        parent = (place - 1) // 2
        if not _is_worse(score, row, heap[parent], rows[parent]):
            break
        heap[place], rows[place] = heap[parent], rows[parent]
        place = parent
    heap[place], rows[place] = score, row


@compiled
def sort_heap(heap: NDArray[np.float32], rows: NDArray[np.int32], size: int) -> None:
    """Turn a heap into a list, best first."""
    for end in range(size - 1, 0, -1):
        score, row = heap[end], rows[end]
        heap[end], rows[end] = heap[0], rows[0]
        _sink(heap, rows, end, 0, score, row)
