"""The compiled training is that of torch, step by step."""

import numpy as np
import pytest
import torch
from torch import nn

from services.attacker.attack.network import Network, Trainer

RATE, MOMENTUM = 0.05, 0.7


def world(n=23, length=7, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, length)).astype(np.float32), rng.random(n) < 0.5


def in_torch(network):
    first, second, third = nn.Linear(network.length, 32), nn.Linear(32, 8), nn.Linear(8, 2)
    for layer, weights, biases in zip((first, second, third), network[::2], network[1::2], strict=True):
        layer.weight.data, layer.bias.data = torch.tensor(weights.T.copy()), torch.tensor(biases)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), third)


def train_in_torch(network, features, is_member, orders, *, batch_size, is_softmax_twice):
    model = in_torch(network)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
    for order in orders:
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            output = model(torch.tensor(features[rows]))
            output = torch.softmax(output, dim=1) if is_softmax_twice else output
            loss = nn.functional.cross_entropy(output, torch.tensor(is_member[rows].astype(np.int64)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model(torch.tensor(features)).detach().numpy()


@pytest.mark.parametrize("is_softmax_twice", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_two_epochs_equal_torchs(batch_size, is_softmax_twice):
    features, is_member = world()
    network = Network.draw(7, rng=np.random.default_rng(1))
    orders = [np.random.default_rng(seed).permutation(len(features)) for seed in (2, 3)]
    trainer = Trainer(network, RATE, MOMENTUM, batch_size, is_softmax_twice)

    for order in orders:
        trainer.epoch(features, is_member, order)

    expected = train_in_torch(
        network, features, is_member, orders, batch_size=batch_size, is_softmax_twice=is_softmax_twice
    )
    # float32 through 46 steps whose sums are taken in another order
    assert trainer.network.logits(features) == pytest.approx(expected, abs=2e-5)


def test_training_works_on_copies():
    features, is_member = world()
    network = Network.draw(7, rng=np.random.default_rng(1))
    before = [array.copy() for array in network]

    Trainer(network, RATE, MOMENTUM, 4).epoch(features, is_member, np.arange(len(features)))

    assert all((old == new).all() for old, new in zip(before, network, strict=True))


def test_a_stored_network_is_the_same():
    features, _ = world()
    network = Network.draw(7, rng=np.random.default_rng(1))

    again = Network.from_arrays(network.to_arrays())

    assert again.logits(features).tobytes() == network.logits(features).tobytes()
