"""The compiled loops of NeuMF: forward, backward and Adam in one pass over the samples, without allocation.

Samples are taken in tiles of `TILE`; within a tile every quantity is (features, TILE), so that all inner
loops run over neighboring samples and become vector instructions. The network of one sample is

    x  = [mlp(user) | mlp(item)]                        2 n features
    h1 = relu(w1 x + b1), h2 = relu(w2 h1 + b2)         n, n / 2 features
    z  = w3 [gmf(user) * gmf(item) | h2] + b3           the logit
"""

# ruff: noqa: PLR0917 - compiled loops take arrays by position

from math import exp, sqrt
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Rows, Vectors
from shared.recommenders.compiled import compiled_fast
from shared.recommenders.sampling import ITEM_BITS, Samples

Table: TypeAlias = NDArray[np.float64]

TILE = 128  # measured: 64 and 256 are a tenth and a third slower
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, np.float32(1e-8)
_SHRINKING = _BETA1 / sqrt(_BETA2)
_ZERO, _ONE = np.float32(0), np.float32(1)


class Weights(NamedTuple):
    """All that is learned; also the shape of its moments and gradients.

    users  (n_users, n + n_gmf) float32, [mlp | gmf] of each user
    items  (n_items, n + n_gmf) float32
    w1     (n, 2 n), b1 (n,), w2 (n / 2, n), b2 (n / 2,), w3 (n_gmf + n / 2,), b3 (1,)
    """

    users: Vectors
    items: Vectors
    w1: Vectors
    b1: Vectors
    w2: Vectors
    b2: Vectors
    w3: Vectors
    b3: Vectors


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


class Adam(NamedTuple):
    """The state of Adam, and the memory that a step works in.

    A vector whose user or item is not in a batch has gradient 0 and moves by momentum alone. Those moves are
    made up for in one go when it is next needed, which is the same but for the place of epsilon.

    first, second  moments
    gradients      users and items have a row for each place in a batch; all zero between steps
    user_places    (n_users,), item_places (n_items,): the place of a row in the batch; -1 between steps
    user_steps     (n_users,), item_steps (n_items,): how many steps each vector has made
    tails, powers  see `momentum_tails` and `shrinking_powers`
    """

    first: Weights
    second: Weights
    gradients: Weights
    user_places: Rows
    item_places: Rows
    user_steps: Rows
    item_steps: Rows
    tails: Table
    powers: Table


def momentum_tails(n_steps: int) -> Table:
    """Sum what momentum does to a vector that gets no gradient.

    Without gradient, step t moves it by learning_rate c(t) first / sqrt(second), where c corrects the bias of
    the moments, and the quotient shrinks by r = beta1 / sqrt(beta2) a step.
    returns  (n_steps + 2,) float64; entry t is c(t) + r c(t + 1) + r^2 c(t + 2) + ... ; entry 0 is not used
    """
    steps = np.arange(1, n_steps + 2)
    corrections = np.sqrt(1 - _BETA2**steps) / (1 - _BETA1**steps)
    tails = np.zeros(n_steps + 2)
    tails[-1] = corrections[-1] / (1 - _SHRINKING)
    for t in range(n_steps, 0, -1):
        tails[t] = corrections[t - 1] + _SHRINKING * tails[t + 1]
    return tails


def shrinking_powers(n_steps: int) -> Table:
    """Give what n steps without gradient leave: (n_steps + 1, 3) float64, r^n, beta1^n and beta2^n."""
    return np.array([_SHRINKING, _BETA1, _BETA2]) ** np.arange(n_steps + 1)[:, None]


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
            _loss_gradient(part, len(batch), tile)
            _backward(weights, tile, adam.gradients)
            _scatter(part, tile, weights, adam)
        step += 1
        rate = np.float32(learning_rate / (1 - _BETA1**step))
        scale = np.float32(1 / sqrt(1 - _BETA2**step))
        _step_rows(batch_users, batch_items, step, rate, scale, weights, adam)
        _step_dense(rate, scale, weights, adam)


@compiled_fast
def catch_up(users: Rows, items: Rows, step: int, learning_rate: float, weights: Weights, adam: Adam) -> None:
    """Make the moves that the vectors of some users and items missed up to a step."""
    first, second = adam.first, adam.second
    for row in users:
        if 0 < adam.user_steps[row] < step:
            _drift(
                weights.users[row],
                first.users[row],
                second.users[row],
                adam.user_steps[row],
                step,
                learning_rate,
                adam,
            )
        adam.user_steps[row] = step
    for row in items:
        if 0 < adam.item_steps[row] < step:
            _drift(
                weights.items[row],
                first.items[row],
                second.items[row],
                adam.item_steps[row],
                step,
                learning_rate,
                adam,
            )
        adam.item_steps[row] = step


@compiled_fast
def _drift(
    weights: Vectors,
    first: Vectors,
    second: Vectors,
    before: int,
    step: int,
    learning_rate: float,
    adam: Adam,
) -> None:
    """Make the steps before + 1, ..., step of a vector without gradient."""
    powers = adam.powers[step - before]
    total = _SHRINKING * (adam.tails[before + 1] - powers[0] * adam.tails[step + 1])
    size, decay1, decay2 = np.float32(learning_rate * total), np.float32(powers[1]), np.float32(powers[2])
    for c in range(len(weights)):
        weights[c] -= size * first[c] / (np.sqrt(second[c]) + _EPSILON)
        first[c] *= decay1
        second[c] *= decay2


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
    _upper_layers(weights, tile)


@compiled_fast
def _upper_layers(weights: Weights, tile: Tile) -> None:
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
    _add_product(w, x, h)
    for o in range(len(h)):
        for s in range(TILE):
            h[o, s] = h[o, s] if h[o, s] > _ZERO else _ZERO


@compiled_fast
def _add_product(w: Vectors, x: Vectors, h: Vectors) -> None:
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
    _add_product(weights.w2.T, tile.dh2, tile.dh1)
    for c in range(len(tile.h1)):
        h, dh = tile.h1[c], tile.dh1[c]
        for s in range(TILE):
            dh[s] = dh[s] if h[s] > _ZERO else _ZERO
    _add_outer(tile.dh1, tile.x, gradients.w1, gradients.b1)
    tile.dx[:] = _ZERO
    _add_product(weights.w1.T, tile.dh1, tile.dx)


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
def _loss_gradient(part: Samples, n_batch: int, tile: Tile) -> None:
    """dz of the mean binary cross entropy of a batch; 0 behind the end of a part tile."""
    for s in range(TILE):
        tile.dz[0, s] = _ZERO
    for s in range(len(part)):
        chance = _ONE / (_ONE + np.float32(exp(-tile.z[0, s])))
        tile.dz[0, s] = (chance - np.float32(part[s] & 1)) / np.float32(n_batch)


@compiled_fast
def _step_rows(
    users: Rows, items: Rows, step: int, rate: np.float32, scale: np.float32, weights: Weights, adam: Adam
) -> None:
    """Step the vectors of a batch and forget their places."""
    first, second, gradients = adam.first, adam.second, adam.gradients
    for n in range(len(users)):
        row = users[n]
        adam.user_places[row] = -1
        adam.user_steps[row] = step
        _step(weights.users[row], first.users[row], second.users[row], gradients.users[n], rate, scale)
    for n in range(len(items)):
        row = items[n]
        adam.item_places[row] = -1
        adam.item_steps[row] = step
        _step(weights.items[row], first.items[row], second.items[row], gradients.items[n], rate, scale)


@compiled_fast
def _step_dense(rate: np.float32, scale: np.float32, weights: Weights, adam: Adam) -> None:
    first, second, gradients = adam.first, adam.second, adam.gradients
    for n in range(len(weights.w1)):
        _step(weights.w1[n], first.w1[n], second.w1[n], gradients.w1[n], rate, scale)
    for n in range(len(weights.w2)):
        _step(weights.w2[n], first.w2[n], second.w2[n], gradients.w2[n], rate, scale)
    _step(weights.b1, first.b1, second.b1, gradients.b1, rate, scale)
    _step(weights.b2, first.b2, second.b2, gradients.b2, rate, scale)
    _step(weights.w3, first.w3, second.w3, gradients.w3, rate, scale)
    _step(weights.b3, first.b3, second.b3, gradients.b3, rate, scale)


@compiled_fast
def _step(
    weights: Vectors,
    first: Vectors,
    second: Vectors,
    gradients: Vectors,
    rate: np.float32,
    scale: np.float32,
) -> None:
    """Take one step and leave zero gradients. Source: Kingma and Ba 2015, algorithm 1."""
    beta1, beta2 = np.float32(_BETA1), np.float32(_BETA2)
    for c in range(len(weights)):
        g = gradients[c]
        first[c] = beta1 * first[c] + (_ONE - beta1) * g
        second[c] = beta2 * second[c] + (_ONE - beta2) * g * g
        weights[c] -= rate * first[c] / (np.sqrt(second[c]) * scale + _EPSILON)
        gradients[c] = _ZERO


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
            _upper_layers(weights, tile)
            scores[n, start : start + n_left] = tile.z[0, :n_left]
