"""NeuMF equals the same network in PyTorch: its steps, by autograd and Adam, and its scores."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from recommender_worlds import random_world

from shared.progress import SILENT
from shared.recommenders.ncf import Device, Ncf, NcfKind, NcfSettings, Trainer, initial_weights
from shared.recommenders.ncf_adam import Weights
from shared.recommenders.ncf_cuda import TorchTrainer
from shared.recommenders.ncf_loops import TILE
from shared.recommenders.registry import parse_hyperparameters
from shared.recommenders.sampling import Sampler, unpack

SETTINGS = NcfSettings(n_mlp_factors=8, n_gmf_factors=3, batch_size=TILE + 10, learning_rate=0.01)


def logits(weights, users, items):
    """NeuMF, by the book; weights are tensors."""
    n = len(weights.w1)
    p, q = weights.users[users], weights.items[items]
    h1 = torch.relu(torch.cat([p[:, :n], q[:, :n]], 1) @ weights.w1.T + weights.b1)
    h2 = torch.relu(h1 @ weights.w2.T + weights.b2)
    return torch.cat([p[:, n:] * q[:, n:], h2], 1) @ weights.w3 + weights.b3


def large_start(histories, settings):
    """Start with vectors of size 0.5: at the usual 0.01 gradients are too small to compare."""
    weights = initial_weights(histories.shape, settings, seed=1)
    rng = np.random.default_rng(2)
    vectors = (
        rng.standard_normal(a.shape, dtype=np.float32) * np.float32(0.5)
        for a in (weights.users, weights.items)
    )
    biases = (rng.standard_normal(len(b), dtype=np.float32) for b in (weights.b1, weights.b2))
    users, items = vectors
    b1, b2 = biases
    return weights._replace(users=users, items=items, b1=b1, b2=b2)


def torch_steps(weights, samples, settings):
    """Train in float64 with autograd and PyTorch's own Adam."""
    tensors = Weights(*(torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in weights))
    adam = torch.optim.Adam(tensors, lr=settings.learning_rate)
    for start in range(0, len(samples), settings.batch_size):
        users, items, labels = (torch.tensor(a) for a in unpack(samples[start : start + settings.batch_size]))
        z = logits(tensors, users, items)
        adam.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(z, labels.double()).backward()
        adam.step()
    return Weights(*(t.detach().numpy() for t in tensors))


def trainer_of(weights, settings=SETTINGS):
    return Trainer(weights, settings, n_steps=1000)


def test_one_step_has_the_gradients_of_autograd():
    """After one step from zero moments, the first moment is a tenth of the gradient."""
    histories = random_world()
    weights = large_start(histories, SETTINGS)
    samples = Sampler(histories, n_negatives=4).draw(seed=1)[: SETTINGS.batch_size].copy()
    tensors = Weights(*(torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in weights))
    users, items, labels = (torch.tensor(a) for a in unpack(samples))
    loss = torch.nn.functional.binary_cross_entropy_with_logits(
        logits(tensors, users, items), labels.double()
    )
    expected = torch.autograd.grad(loss, tensors)

    trainer = trainer_of(weights)
    trainer.step(samples)

    for found, gradient in zip(trainer.moments, expected, strict=True):
        np.testing.assert_allclose(found, 0.1 * gradient.numpy(), atol=1e-7)  # float32 against float64


def on_a_device(weights):
    """The way of a graphics processor, on a device that every machine has."""
    settings = SETTINGS
    return TorchTrainer(
        weights, batch_size=settings.batch_size, learning_rate=settings.learning_rate, device="cpu"
    )


@pytest.mark.parametrize("make", [trainer_of, on_a_device])
@pytest.mark.parametrize("n_samples", [1, TILE, 3 * (TILE + 10) + 7])
def test_steps_equal_adam_on_autograd(n_samples, make):
    """Several batches, of whole and part tiles, the last one short."""
    histories = random_world()
    weights = large_start(histories, SETTINGS)
    samples = Sampler(histories, n_negatives=4).draw(seed=1)[:n_samples].copy()
    expected = torch_steps(weights, samples, SETTINGS)

    trainer = make(weights)
    trainer.step(samples)

    for found, slow in zip(trainer.finish(), expected, strict=True):
        # A gradient near 0 is divided by its own size, so that float32 shows in a tenth of a step of 0.01.
        np.testing.assert_allclose(found, slow, atol=1e-3)


def test_vectors_absent_from_many_batches_move_by_momentum():
    """Batches of three among 300 items: most vectors get a gradient once in a hundred steps."""
    histories = random_world(200, 300, density=0.01)
    settings = NcfSettings(n_mlp_factors=8, n_gmf_factors=3, batch_size=3, learning_rate=0.01)
    samples = Sampler(histories, n_negatives=4).draw(seed=1)[:900].copy()
    weights = large_start(histories, settings)
    expected = torch_steps(weights, samples, settings)

    trainer = trainer_of(weights, settings)
    trainer.step(samples)

    for found, slow in zip(trainer.finish(), expected, strict=True):
        # As above; movements are of size 1, epsilon and float32 show in thousandths.
        np.testing.assert_allclose(found, slow, atol=5e-3)


def test_cutting_an_epoch_between_batches_changes_nothing():
    histories = random_world()
    samples = Sampler(histories, n_negatives=4).draw(seed=1).copy()
    whole, parts = (trainer_of(large_start(histories, SETTINGS)) for _ in range(2))

    whole.step(samples)
    for start in range(0, len(samples), 2 * SETTINGS.batch_size):
        parts.step(samples[start : start + 2 * SETTINGS.batch_size])

    assert all(np.array_equal(a, b) for a, b in zip(whole.finish(), parts.finish(), strict=True))


def test_scores_are_the_logits_of_the_network():
    histories = random_world(30, 2 * TILE + 5)
    weights = large_start(histories, SETTINGS)
    tensors = Weights(*(torch.from_numpy(a) for a in weights))

    found = Ncf(histories, weights, NcfSettings()).scores(np.array([7, 2]))

    for row, user in enumerate((7, 2)):
        items = torch.arange(2 * TILE + 5)
        expected = logits(tensors, torch.full_like(items, user), items)
        np.testing.assert_allclose(found[row], expected.numpy(), atol=1e-5)  # order of sums in float32


def test_vectors_come_in_eights():
    with pytest.raises(ValueError, match="multiple of 8, found 12"):
        parse_hyperparameters("ncf", {"n_mlp_factors": 12})


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a device")
def test_a_device_that_is_not_there_is_said_to_be_missing():
    settings = NcfSettings(device=Device.CUDA)

    with pytest.raises(ValueError, match="finds no CUDA device here; leave device out"):
        NcfKind().train(random_world(), settings, seed=0, progress=SILENT)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_device_gives_the_network_of_the_loops_up_to_rounding():
    histories = random_world()

    found, expected = (
        NcfKind().train(histories, replace(SETTINGS, device=device), seed=0, progress=SILENT).weights
        for device in (Device.CUDA, Device.CPU)
    )

    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-2)
