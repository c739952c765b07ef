"""The compiled loops of NeuMF: forward, backward and Adam in one pass over the samples.

Samples are taken in tiles of `TILE`; within a tile every quantity is (features, TILE), so that all inner
loops run over neighboring samples and become vector instructions. The network of one sample is

    x  = [mlp(user) | mlp(item)]                        2 n features
    h1 = relu(w1 x + b1), h2 = relu(w2 h1 + b2)         n, n / 2 features
    z  = w3 [gmf(user) * gmf(item) | h2] + b3           the logit
"""

# ruff: noqa: PLR0917 - compiled loops take arrays by position

from math import exp
from typing import NamedTuple

import numpy as np

from shared.arrays import Rows, Vectors
from shared.compiled import compiled_fast
from shared.recommenders.ncf_adam import Adam, Weights, catch_up, step_batch
from shared.recommenders.sampling import ITEM_BITS, Samples

TILE = 128  # measured: 64 and 256 are a tenth and a third slower
_ZERO, _ONE = np.float32(0), np.float32(1)


class Tile(NamedTuple):
    """Values of TILE samples, (features, TILE) each, and gradients by them."""

    x: Vectors
    h1: Vectors
    h2: Vectors
    gmf_user: Vectors
    gmf_item: Vectors
    z: Vectors
    dx: Vectors
    dh1: Vectors
    dh2: Vectors
    dz: Vectors


def new_tile(weights: Weights) -> Tile:
    """Make the memory that a tile needs, zeros."""
    n, n_half, n_gmf = len(weights.w1), len(weights.w2), weights.users.shape[1] - len(weights.w1)
    sizes = (2 * n, n, n_half, n_gmf, n_gmf, 1, 2 * n, n, n_half, 1)
    return Tile(*(np.zeros((size, TILE), dtype=np.float32) for size in sizes))


@compiled_fast
def train(
    samples: Samples,
    batch_size: int,
    learning_rate: float,
    n_steps_before: int,
    weights: Weights,
    adam: Adam,
    tile: Tile,
) -> None:
    """Take one Adam step a batch of samples; weights and state change in place."""
    users, items = np.empty(batch_size, np.int64), np.empty(batch_size, np.int64)
    step = n_steps_before
    for start in range(0, len(samples), batch_size):
        batch = samples[start : start + batch_size]
        batch_users = users[: _place(batch >> 33, adam.user_places, users)]
        batch_items = items[: _place((batch >> 1) & ITEM_BITS, adam.item_places, items)]
        catch_up(batch_users, batch_items, step, learning_rate, weights, adam)
        for tile_start in range(0, len(batch), TILE):
            part = batch[tile_start : tile_start + TILE]
            _gather(part, weights, tile)
            forward(weights, tile)
            loss_gradient(part, len(batch), tile)
            _backward(weights, tile, adam.gradients)
            _scatter(part, tile, weights, adam)
        step += 1
        step_batch(batch_users, batch_items, step, learning_rate, weights, adam)


@compiled_fast
def _place(rows: Rows, places: Rows, distinct: Rows) -> int:
    """Number the distinct rows of a batch in the order they come; return how many."""
    n_distinct = 0
    for row in rows:
        if places[row] < 0:
            places[row] = n_distinct
            distinct[n_distinct] = row
            n_distinct += 1
    return n_distinct


@compiled_fast
def _gather(part: Samples, weights: Weights, tile: Tile) -> None:
    n = len(weights.w1)
    n_gmf = len(tile.gmf_user)
    for s in range(len(part)):
        user, item = weights.users[part[s] >> 33], weights.items[(part[s] >> 1) & ITEM_BITS]
        for c in range(n):
            tile.x[c, s] = user[c]
            tile.x[n + c, s] = item[c]
        for c in range(n_gmf):
            tile.gmf_user[c, s] = user[n + c]
            tile.gmf_item[c, s] = item[n + c]


@compiled_fast
def forward(weights: Weights, tile: Tile) -> None:
    """Compute h1, h2 and z of a tile whose x and gmf are given."""
    _layer(weights.w1, weights.b1, tile.x, tile.h1)
    upper_layers(weights, tile)


@compiled_fast
def upper_layers(weights: Weights, tile: Tile) -> None:
    """Compute h2 and z of a tile whose h1 and gmf are given."""
    _layer(weights.w2, weights.b2, tile.h1, tile.h2)
    n_gmf = len(tile.gmf_user)
    z = tile.z[0]
    for s in range(TILE):
        z[s] = weights.b3[0]
    for c in range(n_gmf):
        w, p, q = weights.w3[c], tile.gmf_user[c], tile.gmf_item[c]
        for s in range(TILE):
            z[s] += w * p[s] * q[s]
    for c in range(len(tile.h2)):
        w, h = weights.w3[n_gmf + c], tile.h2[c]
        for s in range(TILE):
            z[s] += w * h[s]


@compiled_fast
def _layer(w: Vectors, b: Vectors, x: Vectors, h: Vectors) -> None:
    """h = relu(w x + b)."""
    for o in range(len(h)):
        for s in range(TILE):
            h[o, s] = b[o]
    add_product(w, x, h)
    for o in range(len(h)):
        for s in range(TILE):
            h[o, s] = h[o, s] if h[o, s] > _ZERO else _ZERO


@compiled_fast
def add_product(w: Vectors, x: Vectors, h: Vectors) -> None:
    """h += w x, four rows of h from four of x at a time, so that 16 products need 8 loads and 4 stores."""
    for o in range(0, len(h), 4):
        for c in range(0, len(x), 4):
            a0, a1, a2, a3 = w[o, c], w[o, c + 1], w[o, c + 2], w[o, c + 3]
            b0, b1, b2, b3 = w[o + 1, c], w[o + 1, c + 1], w[o + 1, c + 2], w[o + 1, c + 3]
            c0, c1, c2, c3 = w[o + 2, c], w[o + 2, c + 1], w[o + 2, c + 2], w[o + 2, c + 3]
            d0, d1, d2, d3 = w[o + 3, c], w[o + 3, c + 1], w[o + 3, c + 2], w[o + 3, c + 3]
            for s in range(TILE):
                x0, x1, x2, x3 = x[c, s], x[c + 1, s], x[c + 2, s], x[c + 3, s]
                h[o, s] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
                h[o + 1, s] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
                h[o + 2, s] += c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
                h[o + 3, s] += d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3


@compiled_fast
def _backward(weights: Weights, tile: Tile, gradients: Weights) -> None:
    """Add the gradients by the dense weights; fill dx. Those by gmf follow from dz in `_scatter`."""
    n_gmf = len(tile.gmf_user)
    dz = tile.dz[0]
    for s in range(TILE):
        gradients.b3[0] += dz[s]
    for c in range(n_gmf):
        p, q, total = tile.gmf_user[c], tile.gmf_item[c], _ZERO
        for s in range(TILE):
            total += dz[s] * p[s] * q[s]
        gradients.w3[c] += total
    for c in range(len(tile.h2)):
        w, h, dh, total = weights.w3[n_gmf + c], tile.h2[c], tile.dh2[c], _ZERO
        for s in range(TILE):
            total += dz[s] * h[s]
            dh[s] = w * dz[s] if h[s] > _ZERO else _ZERO
        gradients.w3[n_gmf + c] += total
    _add_outer(tile.dh2, tile.h1, gradients.w2, gradients.b2)
    tile.dh1[:] = _ZERO
    add_product(weights.w2.T, tile.dh2, tile.dh1)
    for c in range(len(tile.h1)):
        h, dh = tile.h1[c], tile.dh1[c]
        for s in range(TILE):
            dh[s] = dh[s] if h[s] > _ZERO else _ZERO
    _add_outer(tile.dh1, tile.x, gradients.w1, gradients.b1)
    tile.dx[:] = _ZERO
    add_product(weights.w1.T, tile.dh1, tile.dx)


@compiled_fast
def _add_outer(dh: Vectors, x: Vectors, dw: Vectors, db: Vectors) -> None:
    """dw += dh x', db += the sums of dh."""
    for o in range(0, len(dh), 2):
        e0, e1, total0, total1 = dh[o], dh[o + 1], _ZERO, _ZERO
        for s in range(TILE):
            total0 += e0[s]
            total1 += e1[s]
        db[o] += total0
        db[o + 1] += total1
        for c in range(0, len(x), 4):
            x0, x1, x2, x3 = x[c], x[c + 1], x[c + 2], x[c + 3]
            a0, a1, a2, a3 = _ZERO, _ZERO, _ZERO, _ZERO
            b0, b1, b2, b3 = _ZERO, _ZERO, _ZERO, _ZERO
            for s in range(TILE):
                a0 += e0[s] * x0[s]
                a1 += e0[s] * x1[s]
                a2 += e0[s] * x2[s]
                a3 += e0[s] * x3[s]
                b0 += e1[s] * x0[s]
                b1 += e1[s] * x1[s]
                b2 += e1[s] * x2[s]
                b3 += e1[s] * x3[s]
            dw[o, c] += a0
            dw[o, c + 1] += a1
            dw[o, c + 2] += a2
            dw[o, c + 3] += a3
            dw[o + 1, c] += b0
            dw[o + 1, c + 1] += b1
            dw[o + 1, c + 2] += b2
            dw[o + 1, c + 3] += b3


@compiled_fast
def _scatter(part: Samples, tile: Tile, weights: Weights, adam: Adam) -> None:
    """Add the gradients by the vectors of each sample's user and item to the rows of the batch."""
    n = len(weights.w1)
    n_gmf = len(tile.gmf_user)
    for s in range(len(part)):
        user = adam.gradients.users[adam.user_places[part[s] >> 33]]
        item = adam.gradients.items[adam.item_places[(part[s] >> 1) & ITEM_BITS]]
        dz = tile.dz[0, s]
        for c in range(n):
            user[c] += tile.dx[c, s]
            item[c] += tile.dx[n + c, s]
        for c in range(n_gmf):
            step = weights.w3[c] * dz
            user[n + c] += step * tile.gmf_item[c, s]
            item[n + c] += step * tile.gmf_user[c, s]


@compiled_fast
def loss_gradient(part: Samples, n_batch: int, tile: Tile) -> None:
    """dz of the mean binary cross entropy of a batch; 0 behind the end of a part tile."""
    for s in range(TILE):
        tile.dz[0, s] = _ZERO
    for s in range(len(part)):
        chance = _ONE / (_ONE + np.float32(exp(-tile.z[0, s])))
        tile.dz[0, s] = (chance - np.float32(part[s] & 1)) / np.float32(n_batch)


@compiled_fast
def score(
    user_halves: Vectors,
    gmf_users: Vectors,
    item_halves: Vectors,
    gmf_items: Vectors,
    weights: Weights,
    tile: Tile,
    scores: Vectors,
) -> None:
    """Fill scores (n, n_items) with logits.

    user_halves  (n, n'): w1's user part times the user's vector, plus b1
    item_halves  (n', n_items): w1's item part times the items' vectors
    gmf_users    (n, n_gmf), gmf_items (n_gmf, n_items): the vectors as they are
    """
    n_items = item_halves.shape[1]
    for start in range(0, n_items, TILE):
        n_left = min(TILE, n_items - start)
        tile.x[: len(item_halves), :n_left] = item_halves[:, start : start + n_left]
        tile.gmf_item[:, :n_left] = gmf_items[:, start : start + n_left]
        for n in range(len(user_halves)):
            for c in range(len(tile.gmf_user)):
                for s in range(TILE):
                    tile.gmf_user[c, s] = gmf_users[n, c]
            for c in range(len(tile.h1)):
                half, x, h = user_halves[n, c], tile.x[c], tile.h1[c]
                for s in range(TILE):
                    h[s] = half + x[s] if half + x[s] > _ZERO else _ZERO
            upper_layers(weights, tile)
            scores[n, start : start + n_left] = tile.z[0, :n_left]
