"""The compiled loops of item-based collaborative filtering.

A *walk* goes from a user's items to the users who have them, and on to those users' items; it never forms a
similarity. All sums are float64.
"""

# ruff: noqa: PLR0917 - compiled loops take arrays by position

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Rows, Vectors
from shared.compiled import compiled, compiled_fast
from shared.prefetching import LINE, prefetch
from shared.recommenders.topk import offer, sort_heap

TILE = 64  # columns of the catalogue scored at a time: a row of a tile is four cache lines
_AHEAD = 2  # histories

Index = NDArray[np.int64]
Columns = NDArray[np.int32]
Sums = NDArray[np.float64]


class World(NamedTuple):
    """Histories by user (indptr, indices) and by item, and 1 / sqrt(users of each item)."""

    indptr: Index
    indices: Columns
    item_indptr: Index
    item_indices: Columns
    inverse_norms: Sums


class Asked(NamedTuple):
    """Histories that lists are made for, by user: those of a World or anybody's."""

    indptr: Index
    indices: Columns


@compiled_fast
def score_tiles(world: World, user_rows: Rows, first: int, last: int, scores: Vectors) -> None:
    """Fill scores[:, first:last] with the sums of cosines over all neighbors, TILE columns at a time.

    Of the matrix of shared users only the columns of a tile exist, whole numbers as float32 (exact below
    2**24 users); the TILE sums of a user stay in the nearest cache while the history goes by.
    """
    n_items = len(world.inverse_norms)
    shared_users = np.empty((n_items, TILE), np.float32)
    row = np.empty(n_items, np.int32)
    sums = np.empty(TILE, np.float64)
    for start in range(first, last, TILE):
        width = min(TILE, last - start)
        for t in range(width):
            _count_shared_users(world, start + t, row)
            for item in range(n_items):
                shared_users[item, t] = row[item]
        for t in range(width, TILE):
            shared_users[:, t] = 0
        for n in range(len(user_rows)):
            _sum_tile(world, user_rows[n], shared_users, sums)
            for t in range(width):
                scores[n, start + t] = sums[t] * world.inverse_norms[start + t]


@compiled_fast
def _count_shared_users(world: World, item: int, row: Columns) -> None:
    row[:] = 0
    for place in range(world.item_indptr[item], world.item_indptr[item + 1]):
        user = world.item_indices[place]
        for other in range(world.indptr[user], world.indptr[user + 1]):
            row[world.indices[other]] += 1


@compiled_fast
def _sum_tile(world: World, user: int, shared_users: Vectors, sums: Sums) -> None:
    """Sum shared users / sqrt(users) over the history, four items at a time, so that sums move seldom."""
    sums[:] = 0.0
    place, last = world.indptr[user], world.indptr[user + 1]
    while place + 4 <= last:
        i0, i1 = world.indices[place], world.indices[place + 1]
        i2, i3 = world.indices[place + 2], world.indices[place + 3]
        w0, w1 = world.inverse_norms[i0], world.inverse_norms[i1]
        w2, w3 = world.inverse_norms[i2], world.inverse_norms[i3]
        c0, c1, c2, c3 = shared_users[i0], shared_users[i1], shared_users[i2], shared_users[i3]
        for t in range(TILE):
            sums[t] += (w0 * c0[t] + w1 * c1[t]) + (w2 * c2[t] + w3 * c3[t])
        place += 4
    while place < last:
        weight, counts = world.inverse_norms[world.indices[place]], shared_users[world.indices[place]]
        for t in range(TILE):
            sums[t] += weight * counts[t]
        place += 1


@compiled
def _own(indptr: Index, indices: Columns, row: int) -> Columns:
    return indices[indptr[row] : indptr[row + 1]]


@compiled
def _walk(world: World, own: Columns, weights: Sums, users: Columns, sums: Sums, touched: Columns) -> int:
    """Score the items in reach of a history; return how many. `weights` is zero before and after."""
    n_reached = 0
    for item in own:
        for other in range(world.item_indptr[item], world.item_indptr[item + 1]):
            user = world.item_indices[other]
            users[n_reached] = user
            n_reached += int(weights[user] == 0.0)
            weights[user] += world.inverse_norms[item]
    n_touched = 0
    for n in range(n_reached):
        user = users[n]
        weight = weights[user]
        weights[user] = 0.0
        for place in range(world.indptr[user], world.indptr[user + 1]):
            item = world.indices[place]
            touched[n_touched] = item
            n_touched += int(sums[item] == 0.0)
            sums[item] += weight
    for n in range(n_touched):
        sums[touched[n]] *= world.inverse_norms[touched[n]]
    return n_touched


@compiled
def _vote(own: Columns, indptr: Index, rows: Columns, values: Sums, sums: Sums, touched: Columns) -> int:
    """Let a history's items vote for their neighbors; return how many items were voted for."""
    n_votes = 0
    for item in own:
        n_votes += indptr[item + 1] - indptr[item]
    if n_votes > len(sums):
        for item in own:
            for n in range(indptr[item], indptr[item + 1]):
                sums[rows[n]] += values[n]
        return _positive(sums, touched)
    n_touched = 0
    for item in own:
        for n in range(indptr[item], indptr[item + 1]):
            touched[n_touched] = rows[n]
            n_touched += int(sums[rows[n]] == 0.0)
            sums[rows[n]] += values[n]
    return n_touched


@compiled
def _positive(sums: Sums, touched: Columns) -> int:
    """Note which sums are positive; return how many. Cheaper than to look at each addition if most are."""
    n_touched = 0
    for item in range(len(sums)):
        touched[n_touched] = item
        n_touched += sums[item] > 0.0
    return n_touched


@compiled
def score_by_walk(world: World, user_rows: Rows, scores: Vectors) -> None:
    """Fill scores (n, n_items) with the sums of cosines over all neighbors."""
    weights, users, sums, touched = _scratch(world)
    for n in range(len(user_rows)):
        n_touched = _walk(
            world, _own(world.indptr, world.indices, user_rows[n]), weights, users, sums, touched
        )
        _spill(sums, touched, n_touched, scores[n])


@compiled
def score_by_neighbors(
    world: World, indptr: Index, rows: Columns, values: Sums, user_rows: Rows, scores: Vectors
) -> None:
    """Fill scores (n, n_items) with the sums of cosines over kept neighbors."""
    _weights, _users, sums, touched = _scratch(world)
    for n in range(len(user_rows)):
        n_touched = _vote(
            _own(world.indptr, world.indices, user_rows[n]), indptr, rows, values, sums, touched
        )
        _spill(sums, touched, n_touched, scores[n])


@compiled
def rank_by_walk(world: World, asked: Asked, asked_rows: Rows, items: Columns, lengths: Columns) -> None:
    """Fill lists (n, k) from all neighbors, for some of the histories asked for."""
    weights, users, sums, touched = _scratch(world)
    heap = np.empty(items.shape[1], np.float32)
    for n in range(len(asked_rows)):
        own = _own(asked.indptr, asked.indices, asked_rows[n])
        n_touched = _walk(world, own, weights, users, sums, touched)
        lengths[n] = _rank(own, sums, touched, n_touched, heap, items[n])


@compiled
def rank_by_neighbors(
    world: World,
    indptr: Index,
    rows: Columns,
    values: Sums,
    asked: Asked,
    asked_rows: Rows,
    items: Columns,
    lengths: Columns,
) -> None:
    """Fill lists (n, k) from kept neighbors, for some of the histories asked for."""
    _weights, _users, sums, touched = _scratch(world)
    heap = np.empty(items.shape[1], np.float32)
    for n in range(len(asked_rows)):
        own = _own(asked.indptr, asked.indices, asked_rows[n])
        n_touched = _vote(own, indptr, rows, values, sums, touched)
        lengths[n] = _rank(own, sums, touched, n_touched, heap, items[n])


@compiled
def nearest_items(world: World, start: int, rows: Columns, values: Sums, lengths: Index) -> None:
    """Fill rows, values (n, n_kept) with the nearest items of items start, start + 1, ...; itself out."""
    _weights, _users, sums, touched = _scratch(world)
    heap = np.empty(rows.shape[1], np.float32)
    for n in range(len(rows)):
        item = start + n
        n_touched = _count_neighbors(world, item, sums, touched)
        size = 0
        for t in range(n_touched):
            j = touched[t]
            sums[j] *= world.inverse_norms[item] * world.inverse_norms[j]
            score = float(np.float32(sums[j]))
            if j != item and (size < len(heap) or score >= heap[0]):
                size = offer(heap, rows[n], size, score, j)
        sort_heap(heap, rows[n], size)
        for t in range(size):
            values[n, t] = sums[rows[n, t]]
        for t in range(n_touched):
            sums[touched[t]] = 0.0
        lengths[n] = size


@compiled
def _count_neighbors(world: World, item: int, sums: Sums, touched: Columns) -> int:
    """Count the users an item shares with each, itself included; return how many it shares any with."""
    first, last = world.item_indptr[item], world.item_indptr[item + 1]
    n_steps = 0
    for place in range(first, last):
        n_steps += world.indptr[world.item_indices[place] + 1] - world.indptr[world.item_indices[place]]
    if n_steps > len(sums):
        for place in range(first, last):
            user = world.item_indices[place]
            for other in range(world.indptr[user], world.indptr[user + 1]):
                sums[world.indices[other]] += 1.0
        return _positive(sums, touched)
    n_touched = 0
    in_one_row = world.indices.reshape(1, -1)
    for place in range(first, last):
        user, ahead = world.item_indices[place], world.item_indices[min(place + _AHEAD, last - 1)]
        for other in range(world.indptr[ahead], world.indptr[ahead + 1], LINE):
            prefetch(in_one_row, 0, other)
        for other in range(world.indptr[user], world.indptr[user + 1]):
            j = world.indices[other]
            touched[n_touched] = j
            n_touched += int(sums[j] == 0.0)
            sums[j] += 1.0
    return n_touched


@compiled
def _scratch(world: World) -> tuple[Sums, Columns, Sums, Columns]:
    """Make sums by user and by item, each with room for who was reached, and one more.

    A loop notes in every step whom it reached, and counts the note if it is new: to skip it would be a branch
    that cannot be foreseen, and half of the loop's time.
    """
    n_users, n_items = len(world.indptr) - 1, len(world.inverse_norms)
    return (
        np.zeros(n_users, np.float64),
        np.empty(n_users + 1, np.int32),
        np.zeros(n_items, np.float64),
        np.empty(n_items + 1, np.int32),
    )


@compiled
def _spill(sums: Sums, touched: Columns, n_touched: int, scores: Vectors) -> None:
    """Move the sums to a row of scores and leave zeros."""
    scores[:] = 0.0
    for n in range(n_touched):
        scores[touched[n]] = sums[touched[n]]
        sums[touched[n]] = 0.0


@compiled
def _rank(own: Columns, sums: Sums, touched: Columns, n_touched: int, heap: Vectors, items: Columns) -> int:
    """Take the best of the touched items, then untouched ones (score 0) by item row; leave zero sums."""
    for item in own:
        sums[item] = -1.0
    size = 0
    for n in range(n_touched):
        if sums[touched[n]] >= 0.0:
            size = offer(heap, items, size, float(np.float32(sums[touched[n]])), touched[n])
    sort_heap(heap, items, size)
    item = 0
    while size < len(items) and item < len(sums):
        if sums[item] == 0.0:
            items[size] = item
            size += 1
        item += 1
    for n in range(n_touched):
        sums[touched[n]] = 0.0
    for item in own:
        sums[item] = 0.0
    return size
