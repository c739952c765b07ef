"""Adam for NeuMF, in compiled loops that touch only the vectors of a batch and yet move all.

Source: Kingma and Ba 2015, algorithm 1, with its betas and epsilon.
"""

# ruff: noqa: PLR0917 - compiled loops take arrays by position

from math import sqrt
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Rows, Vectors
from shared.compiled import compiled_fast

Table: TypeAlias = NDArray[np.float64]

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
def step_batch(
    users: Rows, items: Rows, step: int, learning_rate: float, weights: Weights, adam: Adam
) -> None:
    """Take a step, the step-th, by the gradients of a batch with these users and items; leave zeros."""
    rate = np.float32(learning_rate / (1 - _BETA1**step))
    scale = np.float32(1 / sqrt(1 - _BETA2**step))
    _step_rows(users, items, step, rate, scale, weights, adam)
    _step_dense(rate, scale, weights, adam)


@compiled_fast
def step_vector(
    vector: Vectors, gradient: Vectors, first: Vectors, second: Vectors, step: int, learning_rate: float
) -> None:
    """Take a step, the step-th, by the gradient of one vector alone; leave a zero gradient."""
    rate, scale = np.float32(learning_rate / (1 - _BETA1**step)), np.float32(1 / sqrt(1 - _BETA2**step))
    _step(vector, first, second, gradient, rate, scale)


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
