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
from shared.recommenders.topk import offer, sort_heap

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


@compiled_fast
def add_similar_rows(world: World, user_rows: Rows, block: int, sums: Sums) -> None:
    """Add to sums (n, n_items) the rows of cosines of each user's items, `block` items at a time."""
    n_items = len(world.inverse_norms)
    is_needed = np.zeros(n_items, np.bool_)
    for user in user_rows:
        for place in range(world.indptr[user], world.indptr[user + 1]):
            is_needed[world.indices[place]] = True
    shared_users = np.zeros((block, n_items), np.int32)
    cosines = np.empty((block, n_items), np.float64)
    places = world.indptr[user_rows]
    for start in range(0, n_items, block):
        stop = min(start + block, n_items)
        for item in range(start, stop):
            if is_needed[item]:
                _cosines_of(world, item, shared_users[item - start], cosines[item - start])
        for n in range(len(user_rows)):
            place = places[n]
            last = world.indptr[user_rows[n] + 1]
            while place < last and world.indices[place] < stop:
                _add(sums[n], cosines[world.indices[place] - start])
                place += 1
            places[n] = place


@compiled_fast
def _cosines_of(world: World, item: int, shared_users: Columns, cosines: Sums) -> None:
    shared_users[:] = 0
    for place in range(world.item_indptr[item], world.item_indptr[item + 1]):
        user = world.item_indices[place]
        for other in range(world.indptr[user], world.indptr[user + 1]):
            shared_users[world.indices[other]] += 1
    for j in range(len(cosines)):
        cosines[j] = shared_users[j] * (world.inverse_norms[item] * world.inverse_norms[j])


@compiled_fast
def _add(sums: Sums, row: Sums) -> None:
    for j in range(len(sums)):
        sums[j] += row[j]


@compiled
def _walk(world: World, user_row: int, weights: Sums, users: Columns, sums: Sums, touched: Columns) -> int:
    """Score the items in reach of a user; return how many. `weights` is zero before and after."""
    n_reached = 0
    for place in range(world.indptr[user_row], world.indptr[user_row + 1]):
        item = world.indices[place]
        for other in range(world.item_indptr[item], world.item_indptr[item + 1]):
            user = world.item_indices[other]
            if weights[user] == 0.0:
                users[n_reached] = user
                n_reached += 1
            weights[user] += world.inverse_norms[item]
    n_touched = 0
    for n in range(n_reached):
        user = users[n]
        weight = weights[user]
        weights[user] = 0.0
        for place in range(world.indptr[user], world.indptr[user + 1]):
            item = world.indices[place]
            if sums[item] == 0.0:
                touched[n_touched] = item
                n_touched += 1
            sums[item] += weight
    for n in range(n_touched):
        sums[touched[n]] *= world.inverse_norms[touched[n]]
    return n_touched


@compiled
def _vote(
    world: World, indptr: Index, rows: Columns, values: Sums, user_row: int, sums: Sums, touched: Columns
) -> int:
    """Let a user's items vote for their neighbors; return how many items were voted for."""
    n_touched = 0
    for place in range(world.indptr[user_row], world.indptr[user_row + 1]):
        item = world.indices[place]
        for n in range(indptr[item], indptr[item + 1]):
            if sums[rows[n]] == 0.0:
                touched[n_touched] = rows[n]
                n_touched += 1
            sums[rows[n]] += values[n]
    return n_touched


@compiled
def score_by_walk(world: World, user_rows: Rows, scores: Vectors) -> None:
    """Fill scores (n, n_items) with the sums of cosines over all neighbors."""
    weights, users, sums, touched = _scratch(world)
    for n in range(len(user_rows)):
        n_touched = _walk(world, user_rows[n], weights, users, sums, touched)
        _spill(sums, touched, n_touched, scores[n])


@compiled
def score_by_neighbors(
    world: World, indptr: Index, rows: Columns, values: Sums, user_rows: Rows, scores: Vectors
) -> None:
    """Fill scores (n, n_items) with the sums of cosines over kept neighbors."""
    _weights, _users, sums, touched = _scratch(world)
    for n in range(len(user_rows)):
        n_touched = _vote(world, indptr, rows, values, user_rows[n], sums, touched)
        _spill(sums, touched, n_touched, scores[n])


@compiled
def rank_by_walk(world: World, user_rows: Rows, items: Columns, lengths: Columns) -> None:
    """Fill lists (n, k) from all neighbors."""
    weights, users, sums, touched = _scratch(world)
    heap = np.empty(items.shape[1], np.float32)
    for n in range(len(user_rows)):
        n_touched = _walk(world, user_rows[n], weights, users, sums, touched)
        lengths[n] = _rank(world, user_rows[n], sums, touched, n_touched, heap, items[n])


@compiled
def rank_by_neighbors(
    world: World,
    indptr: Index,
    rows: Columns,
    values: Sums,
    user_rows: Rows,
    items: Columns,
    lengths: Columns,
) -> None:
    """Fill lists (n, k) from kept neighbors."""
    _weights, _users, sums, touched = _scratch(world)
    heap = np.empty(items.shape[1], np.float32)
    for n in range(len(user_rows)):
        n_touched = _vote(world, indptr, rows, values, user_rows[n], sums, touched)
        lengths[n] = _rank(world, user_rows[n], sums, touched, n_touched, heap, items[n])


@compiled
def nearest_items(world: World, start: int, rows: Columns, values: Sums, lengths: Index) -> None:
    """Fill rows, values (n, n_kept) with the nearest items of items start, start + 1, ...; itself out."""
    _weights, _users, sums, touched = _scratch(world)
    heap = np.empty(rows.shape[1], np.float32)
    for n in range(len(rows)):
        item = start + n
        n_touched = 0
        for place in range(world.item_indptr[item], world.item_indptr[item + 1]):
            user = world.item_indices[place]
            for other in range(world.indptr[user], world.indptr[user + 1]):
                if sums[world.indices[other]] == 0.0:
                    touched[n_touched] = world.indices[other]
                    n_touched += 1
                sums[world.indices[other]] += 1.0
        if n_touched > 0:
            sums[item] = 0.0
        size = 0
        for t in range(n_touched):
            j = touched[t]
            sums[j] *= world.inverse_norms[item] * world.inverse_norms[j]
            if sums[j] > 0.0:
                size = offer(heap, rows[n], size, float(np.float32(sums[j])), j)
        sort_heap(heap, rows[n], size)
        for t in range(size):
            values[n, t] = sums[rows[n, t]]
        for t in range(n_touched):
            sums[touched[t]] = 0.0
        lengths[n] = size


@compiled
def _scratch(world: World) -> tuple[Sums, Columns, Sums, Columns]:
    n_users, n_items = len(world.indptr) - 1, len(world.inverse_norms)
    return (
        np.zeros(n_users, np.float64),
        np.empty(n_users, np.int32),
        np.zeros(n_items, np.float64),
        np.empty(n_items, np.int32),
    )


@compiled
def _spill(sums: Sums, touched: Columns, n_touched: int, scores: Vectors) -> None:
    """Move the sums to a row of scores and leave zeros."""
    scores[:] = 0.0
    for n in range(n_touched):
        scores[touched[n]] = sums[touched[n]]
        sums[touched[n]] = 0.0


@compiled
def _rank(
    world: World, user_row: int, sums: Sums, touched: Columns, n_touched: int, heap: Vectors, items: Columns
) -> int:
    """Take the best of the touched items, then untouched ones (score 0) by item row; leave zero sums."""
    first, last = world.indptr[user_row], world.indptr[user_row + 1]
    own = world.indices[first:last]
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
