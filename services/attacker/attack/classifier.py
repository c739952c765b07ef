"""The attack model: a small network from user features to evidence of membership."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from services.attacker.attack.thresholds import best_threshold
from shared.arrays import Bools, Scores, Vectors, check_shape
from shared.progress import Progress

HIDDEN = (32, 8)  # Zhang et al. 2021: l -> 32 -> 8 -> 2


@dataclass(frozen=True)
class ClassifierSettings:
    """How the network is trained; the network is the paper's in every preset."""

    n_epochs: int = 20
    learning_rate: float = 0.01
    momentum: float = 0.7
    batch_size: int = 16
    """The paper gives none."""
    is_shuffled: bool = False
    """New order in every epoch; otherwise the users' own order."""
    is_standardized: bool = False
    """Features scaled by the shadow's mean and deviation."""
    held_out: float = 0.0
    """Share of shadow users kept out of training to choose the threshold; 0 = member if a < b."""


@dataclass(frozen=True)
class AttackModel:
    """A trained attack model.

    parameters  weight and bias of each layer, by torch's name, first layer first
    shift       (l,) subtracted from features; scale (l,) divides them
    threshold   a score above it means member
    """

    parameters: Mapping[str, NDArray[np.float32]]
    shift: NDArray[np.float32]
    scale: NDArray[np.float32]
    threshold: float

    def score(self, features: Vectors) -> Scores:
        """Score users: (n_users, l) -> (n_users,) float64, log b - log a; larger = member.

        It orders users as the paper's output b does, without the ties that b has near 1.
        Raises ValueError if l is not that of the training.
        """
        check_shape("features", features, (None, len(self.shift)))
        signal = torch.from_numpy((features - self.shift) / self.scale)
        weights = [torch.from_numpy(value) for value in self.parameters.values()]
        layers = list(zip(weights[::2], weights[1::2], strict=True))
        for weight, bias in layers[:-1]:
            signal = functional.relu(functional.linear(signal, weight, bias))
        logits = functional.linear(signal, *layers[-1])  # (n, 2)
        evidence: Scores = (logits[:, 1] - logits[:, 0]).double().numpy()
        return evidence

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Give all that is needed to build it again."""
        own = {"shift": self.shift, "scale": self.scale, "threshold": np.array(self.threshold)}
        return own | {f"network/{name}": value for name, value in self.parameters.items()}

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> "AttackModel":
        """Build from what `to_arrays` gave."""
        prefix = "network/"
        parameters = {
            name.removeprefix(prefix): np.array(value)
            for name, value in arrays.items()
            if name.startswith(prefix)
        }
        return AttackModel(
            parameters, np.array(arrays["shift"]), np.array(arrays["scale"]), float(arrays["threshold"])
        )


def train_classifier(
    features: Vectors,
    is_member: Bools,
    *,
    settings: ClassifierSettings,
    seed: int,
    progress: Progress,
) -> AttackModel:
    """Train the attack model on shadow users, whose membership the attacker knows.

    features   (n_users, l) float32 of shadow users
    is_member  (n_users,) bool, of the shadow
    returns    the model; its threshold is 0 (a < b) or chosen for balanced accuracy on held-out shadow users
    Raises ValueError if the shapes do not fit or one of the two classes is missing.
    Source: Zhang et al. 2021, section 3: MLP, softmax, cross entropy, SGD.
    """
    check_shape("is_member", is_member, (len(features),))
    if is_member.all() or not is_member.any():
        raise ValueError("the shadow needs members and non-members")
    rng = np.random.default_rng(seed)
    is_held_out = _hold_out(is_member, settings.held_out, rng)
    shift, scale = _scaling(features[~is_held_out], is_used=settings.is_standardized)
    inputs = torch.from_numpy((features[~is_held_out] - shift) / scale)
    network = _fit(inputs, is_member[~is_held_out], settings, rng, progress)
    parameters = {name: value.detach().numpy().copy() for name, value in network.state_dict().items()}
    model = AttackModel(parameters, shift, scale, threshold=0.0)
    if not is_held_out.any():
        return model
    threshold = best_threshold(model.score(features[is_held_out]), is_member[is_held_out])
    return AttackModel(parameters, shift, scale, threshold)


def _network(length: int) -> nn.Sequential:
    first, second = HIDDEN
    return nn.Sequential(
        nn.Linear(length, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, 2)
    )


def _hold_out(is_member: Bools, share: float, rng: np.random.Generator) -> Bools:
    """Draw `share` of the members and of the others."""
    is_held_out = np.zeros(len(is_member), dtype=np.bool_)
    for side in (True, False):
        rows = rng.permutation(np.flatnonzero(is_member == side))
        is_held_out[rows[: int(share * len(rows))]] = True
    return is_held_out


def _scaling(features: Vectors, *, is_used: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    length = features.shape[1]
    if not is_used:
        return np.zeros(length, np.float32), np.ones(length, np.float32)
    deviation = features.std(axis=0)
    return features.mean(axis=0), np.where(deviation > 0, deviation, 1).astype(np.float32)


def _fit(
    inputs: torch.Tensor,
    is_member: Bools,
    settings: ClassifierSettings,
    rng: np.random.Generator,
    progress: Progress,
) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**62)))
        network = _network(inputs.shape[1])
    labels = torch.from_numpy(is_member.astype(np.int64))
    optimizer = torch.optim.SGD(network.parameters(), lr=settings.learning_rate, momentum=settings.momentum)
    cross_entropy = nn.CrossEntropyLoss()  # takes logits: softmax and logarithm are inside
    for epoch in range(settings.n_epochs):
        progress.step(epoch / settings.n_epochs, f"attack model, epoch {epoch + 1} of {settings.n_epochs}")
        order = rng.permutation(len(inputs)) if settings.is_shuffled else np.arange(len(inputs))
        for start in range(0, len(order), settings.batch_size):
            batch = torch.from_numpy(order[start : start + settings.batch_size])
            optimizer.zero_grad()
            cross_entropy(network(inputs[batch]), labels[batch]).backward()
            optimizer.step()
    return network
