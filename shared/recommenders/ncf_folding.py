"""Vectors for users whom NeuMF was not trained on: only they are trained, on the history alone."""

# ruff: noqa: PLR0917 - compiled loops take arrays by position

import numpy as np

from shared.arrays import Histories, Vectors
from shared.compiled import compiled_fast
from shared.randomness import seed_for
from shared.recommenders.ncf_adam import Weights, step_vector
from shared.recommenders.ncf_loops import TILE, Tile, add_product, loss_gradient, upper_layers
from shared.recommenders.sampling import ITEM_BITS, Sampler, Samples

_N_STEPS, _BATCH, _RATE = 30, 256, 0.05
_ZERO = np.float32(0)


def fold_in(
    histories: Histories, weights: Weights, item_rows: Vectors, tile: Tile, *, n_negatives: int
) -> Vectors:
    """Train a user's two vectors by Adam on binary cross entropy, all other weights as they are.

    The start is the mean of the members' vectors; then come 30 steps of a rate of 0.05, with batches of up to
    256 samples as in training: the history and sampled negatives. The draws depend on the history alone, so
    equal histories get equal vectors, in whatever company.
    histories  (n, n_items)
    item_rows  (n_items, n'): the items' part of the first layer
    returns    (n, n_mlp_factors + n_gmf_factors) float32
    """
    vectors = np.tile(
        weights.users.mean(axis=0, dtype=np.float64).astype(np.float32), (histories.shape[0], 1)
    )
    lengths = np.diff(histories.indptr)
    for n in np.flatnonzero((lengths > 0) & (lengths < histories.shape[1])):
        batches = draw_batches(histories[[n]], n_negatives=n_negatives)
        _train(batches, weights, item_rows, tile, vectors[n])
    return vectors


def first_layers(weights: Weights, vectors: Vectors) -> Vectors:
    """Give the users' part of the first layer, the bias with it: (n, n') float32, the same in any company."""
    halves = np.empty((len(vectors), len(weights.w1)), dtype=np.float32)
    _first_layers(weights, vectors, halves)
    return halves


def draw_batches(history: Histories, *, n_negatives: int) -> Samples:
    """Draw the samples of all steps for one history: (n_steps, size of a batch), epoch behind epoch.

    A batch is a whole epoch where an epoch is shorter than a batch of training.
    """
    sampler = Sampler(history, n_negatives=n_negatives)
    size = min(_BATCH, sampler.n_samples)
    n_epochs = -(-_N_STEPS * size // sampler.n_samples)
    epochs = [sampler.draw(seed=seed_for("ncf", "fold in", epoch)).copy() for epoch in range(n_epochs)]
    return np.concatenate(epochs)[: _N_STEPS * size].reshape(_N_STEPS, size)


@compiled_fast
def _train(batches: Samples, weights: Weights, item_rows: Vectors, tile: Tile, vector: Vectors) -> None:
    """Take one step a batch of samples; only the vector changes."""
    n = len(weights.w1)
    first, second = np.zeros_like(vector), np.zeros_like(vector)
    gradient, half, half_gradient = np.zeros_like(vector), np.empty(n, np.float32), np.empty(n, np.float32)
    for step in range(len(batches)):
        batch = batches[step]
        _first_layer(weights, vector, half)
        half_gradient[:] = _ZERO
        for tile_start in range(0, len(batch), TILE):
            part = batch[tile_start : tile_start + TILE]
            _gather(part, weights, item_rows, half, vector, tile)
            upper_layers(weights, tile)
            loss_gradient(part, len(batch), tile)
            _backward(weights, tile, half_gradient, gradient)
        for o in range(n):
            for c in range(n):
                gradient[c] += weights.w1[o, c] * half_gradient[o]
        step_vector(vector, gradient, first, second, step + 1, _RATE)


@compiled_fast
def _first_layers(weights: Weights, vectors: Vectors, halves: Vectors) -> None:
    for n in range(len(vectors)):
        _first_layer(weights, vectors[n], halves[n])


@compiled_fast
def _first_layer(weights: Weights, vector: Vectors, half: Vectors) -> None:
    """Fill the user's part of the first layer, the bias with it."""
    for o in range(len(half)):
        total = weights.b1[o]
        for c in range(len(half)):
            total += weights.w1[o, c] * vector[c]
        half[o] = total


@compiled_fast
def _gather(
    part: Samples, weights: Weights, item_rows: Vectors, half: Vectors, vector: Vectors, tile: Tile
) -> None:
    n = len(half)
    for s in range(len(part)):
        item = (part[s] >> 1) & ITEM_BITS
        for c in range(n):
            tile.h1[c, s] = item_rows[item, c]
        for c in range(len(tile.gmf_item)):
            tile.gmf_item[c, s] = weights.items[item, n + c]
    for c in range(n):
        for s in range(TILE):
            total = tile.h1[c, s] + half[c]
            tile.h1[c, s] = total if total > _ZERO else _ZERO
    for c in range(len(tile.gmf_user)):
        for s in range(TILE):
            tile.gmf_user[c, s] = vector[n + c]


@compiled_fast
def _backward(weights: Weights, tile: Tile, half_gradient: Vectors, gradient: Vectors) -> None:
    """Add the gradients by the first layer's user part and by the user's vector of the product."""
    n, n_gmf, dz = len(weights.w1), len(tile.gmf_user), tile.dz[0]
    for c in range(n_gmf):
        q, total = tile.gmf_item[c], _ZERO
        for s in range(TILE):
            total += dz[s] * q[s]
        gradient[n + c] += weights.w3[c] * total
    for c in range(len(tile.h2)):
        w, h, dh = weights.w3[n_gmf + c], tile.h2[c], tile.dh2[c]
        for s in range(TILE):
            dh[s] = w * dz[s] if h[s] > _ZERO else _ZERO
    tile.dh1[:] = _ZERO
    add_product(weights.w2.T, tile.dh2, tile.dh1)
    for c in range(n):
        h, dh, total = tile.h1[c], tile.dh1[c], _ZERO
        for s in range(TILE):
            total += dh[s] if h[s] > _ZERO else _ZERO
        half_gradient[c] += total
