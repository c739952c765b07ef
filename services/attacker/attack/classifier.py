"""The attack model: a small network from user features to evidence of membership."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.attacker.attack.network import Network, Trainer
from services.attacker.attack.thresholds import best_threshold
from shared.arrays import Bools, Scores, Vectors, check_shape
from shared.progress import Progress

SMALLEST_GROUP = 50  # users whose mean is taken for that of their world: its error is then below a seventh


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
    is_centered: bool = False
    """Each world's features moved to their own mean, then divided by the shadow's overall deviation."""
    is_members_first: bool = False
    """All members before all others, in every epoch; otherwise see `is_shuffled`."""
    is_softmax_twice: bool = False
    """Cross entropy of the softmax of the softmax."""
    held_out: float = 0.0
    """Share of shadow users kept out of training to choose the threshold; 0 = member if a < b."""


@dataclass(frozen=True)
class AttackModel:
    """A trained attack model.

    shift       (l,) the shadow's mean feature, zero if features are taken as they are
    scale       the shadow's overall deviation, 1 if features are taken as they are
    threshold   a score above it means member
    """

    network: Network
    shift: NDArray[np.float32]
    scale: float
    threshold: float

    def score(self, features: Vectors) -> Scores:
        """Score users: (n_users, l) -> (n_users,) float64, log b - log a; larger = member.

        It orders users as the paper's output b does, without the ties that b has near 1. Where features are
        centered, `SMALLEST_GROUP` users or more are moved to their own mean, for two worlds share the shape
        of their features but not the place of their popular lists; fewer are moved by the shadow's mean.
        Raises ValueError if l is not that of the training.
        """
        check_shape("features", features, (None, len(self.shift)))
        is_group = self.shift.any() and len(features) >= SMALLEST_GROUP
        shift = features.mean(axis=0, dtype=np.float32) if is_group else self.shift
        inputs = ((features - shift) / self.scale).astype(np.float32)
        logits = self.network.logits(inputs).astype(np.float64)
        evidence: Scores = logits[:, 1] - logits[:, 0]
        return evidence

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Give all that is needed to build it again."""
        own = {"shift": self.shift, "scale": np.array(self.scale), "threshold": np.array(self.threshold)}
        return own | self.network.to_arrays()

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> "AttackModel":
        """Build from what `to_arrays` gave."""
        network, shift = Network.from_arrays(arrays), np.array(arrays["shift"])
        return AttackModel(network, shift, float(arrays["scale"]), float(arrays["threshold"]))


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
    shift, scale = _scaling(features[~is_held_out], is_used=settings.is_centered)
    inputs = (features[~is_held_out] - shift) / np.float32(scale)
    network = _fit(inputs, is_member[~is_held_out], settings, rng=rng, progress=progress)
    model = AttackModel(network, shift, scale, threshold=0.0)
    if not is_held_out.any():
        return model
    threshold = best_threshold(model.score(features[is_held_out]), is_member[is_held_out])
    return AttackModel(network, shift, scale, threshold)


def _hold_out(is_member: Bools, share: float, rng: np.random.Generator) -> Bools:
    """Draw `share` of the members and of the others."""
    is_held_out = np.zeros(len(is_member), dtype=np.bool_)
    for side in (True, False):
        rows = rng.permutation(np.flatnonzero(is_member == side))
        is_held_out[rows[: int(share * len(rows))]] = True
    return is_held_out


def _scaling(features: Vectors, *, is_used: bool) -> tuple[NDArray[np.float32], float]:
    if not is_used:
        return np.zeros(features.shape[1], np.float32), 1.0
    shift = features.mean(axis=0)
    return shift, float((features - shift).std()) or 1.0


def _fit(
    inputs: Vectors,
    is_member: Bools,
    settings: ClassifierSettings,
    *,
    rng: np.random.Generator,
    progress: Progress,
) -> Network:
    trainer = Trainer(
        Network.draw(inputs.shape[1], rng=rng),
        learning_rate=settings.learning_rate,
        momentum=settings.momentum,
        batch_size=settings.batch_size,
        is_softmax_twice=settings.is_softmax_twice,
    )
    fixed_order = (
        np.argsort(~is_member, kind="stable") if settings.is_members_first else np.arange(len(inputs))
    )
    for epoch in range(settings.n_epochs):
        progress.step(epoch / settings.n_epochs, f"attack model, epoch {epoch + 1} of {settings.n_epochs}")
        trainer.epoch(
            inputs, is_member, rng.permutation(fixed_order) if settings.is_shuffled else fixed_order
        )
    return trainer.network
