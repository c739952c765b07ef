"""The paper's small network, l -> 32 -> ReLU -> 8 -> ReLU -> 2, and its training, as compiled loops.

A step costs some 20 kFLOP a user; a general framework spends many times that on bookkeeping, and a grid
trains hundreds of these.
"""

# ruff: noqa: PLR0917 - compiled loops take arrays by position

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Bools, Rows, Vectors
from shared.compiled import compiled_fast

HIDDEN = (32, 8)  # Zhang et al. 2021, section 3
Array = NDArray[np.float32]


class Network(NamedTuple):
    """Weights (inputs, outputs) and biases (outputs,) of the three layers, float32."""

    w1: Array
    b1: Array
    w2: Array
    b2: Array
    w3: Array
    b3: Array

    @property
    def length(self) -> int:
        """l, the length of a user's feature."""
        return len(self.w1)

    def logits(self, features: Vectors) -> Vectors:
        """Run the network: (n_users, l) -> (n_users, 2) float32, non-member first; before any softmax."""
        first = np.maximum(features @ self.w1 + self.b1, 0)
        second = np.maximum(first @ self.w2 + self.b2, 0)
        output: Vectors = second @ self.w3 + self.b3
        return output

    @staticmethod
    def draw(length: int, *, rng: np.random.Generator) -> "Network":
        """Draw a new network: weights and biases uniform within 1 / sqrt(inputs) of zero, as torch does."""

        def layer(n_in: int, n_out: int) -> tuple[Array, Array]:
            reach = 1 / np.sqrt(n_in)
            weights, biases = rng.uniform(-reach, reach, (n_in, n_out)), rng.uniform(-reach, reach, n_out)
            return weights.astype(np.float32), biases.astype(np.float32)

        first, second = HIDDEN
        return Network(*layer(length, first), *layer(first, second), *layer(second, 2))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Give all that is needed to build it again."""
        return self._asdict()

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> "Network":
        """Build from what `to_arrays` gave; further arrays are left alone."""
        return Network(*(np.array(arrays[name]) for name in Network._fields))


@dataclass
class Trainer:
    """A network under training by stochastic gradient descent with momentum; it owns copies.

    velocity := momentum * velocity + gradient; parameter := parameter - rate * velocity. The gradient is the
    batch's mean of the cross entropy of the softmax; with `is_softmax_twice`, of the softmax of the softmax.
    """

    network: Network
    learning_rate: float
    momentum: float
    batch_size: int
    is_softmax_twice: bool = False

    def __post_init__(self) -> None:
        self.network = Network(*(array.copy() for array in self.network))
        self._velocity = Network(*(np.zeros_like(array) for array in self.network))
        self._gradient = Network(*(np.zeros_like(array) for array in self.network))

    def epoch(self, features: Vectors, is_member: Bools, order: Rows) -> None:
        """Pass once over users in the order given: features (n_users, l), is_member (n_users,)."""
        _epoch(
            self.network,
            self._velocity,
            self._gradient,
            np.ascontiguousarray(features, dtype=np.float32),
            is_member,
            order.astype(np.int64),
            self.batch_size,
            np.float32(self.learning_rate),
            np.float32(self.momentum),
            self.is_softmax_twice,
        )


@compiled_fast
def _epoch(
    network: Network,
    velocity: Network,
    gradient: Network,
    features: Vectors,
    is_member: Bools,
    order: Rows,
    batch_size: int,
    rate: np.float32,
    momentum: np.float32,
    is_softmax_twice: bool,
) -> None:
    a1, a2, z = np.empty_like(network.b1), np.empty_like(network.b2), np.empty_like(network.b3)
    d1, d2, d3 = np.empty_like(network.b1), np.empty_like(network.b2), np.empty_like(network.b3)
    for start in range(0, len(order), batch_size):
        end = min(start + batch_size, len(order))
        for place in range(start, end):
            x = features[order[place]]
            _layer(x, network.w1, network.b1, a1, True)
            _layer(a1, network.w2, network.b2, a2, True)
            _layer(a2, network.w3, network.b3, z, False)
            _slopes(z, is_member[order[place]], end - start, is_softmax_twice, d3)
            _collect(a2, d3, gradient.w3, gradient.b3)
            _back(a2, d3, network.w3, d2)
            _collect(a1, d2, gradient.w2, gradient.b2)
            _back(a1, d2, network.w2, d1)
            _collect(x, d1, gradient.w1, gradient.b1)
        for weights, moved, slopes in (
            (network.w1, velocity.w1, gradient.w1),
            (network.w2, velocity.w2, gradient.w2),
            (network.w3, velocity.w3, gradient.w3),
        ):
            for i in range(len(weights)):
                _step(weights[i], moved[i], slopes[i], rate, momentum)
        for biases, moved, slopes in (
            (network.b1, velocity.b1, gradient.b1),
            (network.b2, velocity.b2, gradient.b2),
            (network.b3, velocity.b3, gradient.b3),
        ):
            _step(biases, moved, slopes, rate, momentum)


@compiled_fast
def _layer(x: Array, weights: Array, biases: Array, out: Array, is_rectified: bool) -> None:
    for j in range(len(out)):
        out[j] = biases[j]
    for i in range(len(x)):
        if x[i] != 0:
            for j in range(len(out)):
                out[j] += x[i] * weights[i, j]
    if is_rectified:
        for j in range(len(out)):
            out[j] = max(out[j], np.float32(0))


@compiled_fast
def _slopes(z: Array, is_member: bool, n_batch: int, is_softmax_twice: bool, out: Array) -> None:
    """Slope of the batch's mean loss by the two logits: softmax minus truth; one more softmax if asked."""
    one = np.float32(1)
    truth = one if is_member else np.float32(0)
    p = one / (one + np.exp(z[0] - z[1]))  # softmax of z, the member's side
    slope = p - truth
    if is_softmax_twice:
        again = one / (one + np.exp(one - p - p))  # softmax of (1 - p, p), the member's side
        slope = np.float32(2) * (again - truth) * p * (one - p)
    out[1] = slope / np.float32(n_batch)
    out[0] = -out[1]


@compiled_fast
def _collect(x: Array, slopes: Array, gradient: Array, bias_gradient: Array) -> None:
    """Add one user's gradient of a layer."""
    for j in range(len(slopes)):
        bias_gradient[j] += slopes[j]
    for i in range(len(x)):
        if x[i] != 0:
            for j in range(len(slopes)):
                gradient[i, j] += x[i] * slopes[j]


@compiled_fast
def _back(x: Array, slopes: Array, weights: Array, out: Array) -> None:
    """Give the slope of the loss by a layer's input; zero where that input was rectified."""
    for i in range(len(x)):
        out[i] = np.float32(0)
        if x[i] > 0:
            for j in range(len(slopes)):
                out[i] += weights[i, j] * slopes[j]


@compiled_fast
def _step(parameters: Array, moved: Array, slopes: Array, rate: np.float32, momentum: np.float32) -> None:
    """Take a step and clear the gradient."""
    for j in range(len(parameters)):
        moved[j] = momentum * moved[j] + slopes[j]
        parameters[j] -= rate * moved[j]
        slopes[j] = np.float32(0)
