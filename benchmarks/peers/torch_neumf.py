"""Plain PyTorch: NeuMF in a loop. Arguments: inputs.npz, JSON of optimizer, seconds, threads, seed, at."""

import json
import sys
import time
from functools import partial

import numpy as np
import torch
from torch import nn

from lab.bench.clock import Clock
from lab.bench.matrices import Inputs, cross_entropy, hit_rate, negatives

BATCH, N_NEGATIVES = 256, 4


class NeuMF(nn.Module):
    """The network of He et al. 2017: vectors of 32 and 8, layers 64 - 32 - 16."""

    def __init__(self, n_users: int, n_items: int, *, sparse: bool) -> None:
        super().__init__()
        self.mlp_users, self.gmf_users = (nn.Embedding(n_users, d, sparse=sparse) for d in (32, 8))
        self.mlp_items, self.gmf_items = (nn.Embedding(n_items, d, sparse=sparse) for d in (32, 8))
        self.layers = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU())
        self.last = nn.Linear(16 + 8, 1)
        for table in (self.mlp_users, self.gmf_users, self.mlp_items, self.gmf_items):
            nn.init.normal_(table.weight, std=0.01)
        for layer in (self.layers[0], self.layers[2], self.last):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Give the logits."""
        mlp = self.layers(torch.cat([self.mlp_users(users), self.mlp_items(items)], dim=1))
        gmf = self.gmf_users(users) * self.gmf_items(items)
        return self.last(torch.cat([gmf, mlp], dim=1)).squeeze(1)


def main() -> None:
    """Train for a time or for some epochs, tell."""
    inputs, options = Inputs.load(sys.argv[1]), json.loads(sys.argv[2])
    torch.set_num_threads(options["threads"])
    torch.manual_seed(options["seed"])
    rng = np.random.default_rng(options["seed"])
    model = NeuMF(*inputs.histories.shape, sparse=options["optimizer"] == "sparse")
    step = optimizers(model, options["optimizer"])
    clock = Clock()
    with clock.part("train"):
        samples, figures = train(model, step, inputs, options, rng)
    if len(inputs.users):
        figures["HR@100"] = hit_rate(
            inputs, lambda rows: scores(model, rows, inputs.histories.shape[1]), k=100
        )
    clock.tell(units=samples, figures=figures, packages=("torch",))


def optimizers(model: NeuMF, name: str) -> list[torch.optim.Optimizer]:
    """Dense Adam for all, or sparse Adam for the tables and dense Adam for the layers."""
    if name == "dense":
        return [torch.optim.Adam(model.parameters(), lr=0.001)]
    tables = [m.weight for m in model.modules() if isinstance(m, nn.Embedding)]
    layers = [p for m in (model.layers, model.last) for p in m.parameters()]
    return [torch.optim.SparseAdam(tables, lr=0.001), torch.optim.Adam(layers, lr=0.001)]


def train(model, step, inputs, options, rng) -> tuple[int, dict[str, float]]:
    """Give the samples trained on, the mean loss of the last epoch, and the losses after those in `at`."""
    end = time.perf_counter() + (options.get("seconds") or float("inf"))
    loss_of = nn.BCEWithLogitsLoss()
    n_samples, curve = 0, {}
    for number in range(1, options.get("epochs", 1) + 1):
        users, items, labels = epoch(inputs, rng)
        total, n_batches = 0.0, 0
        for start in range(0, len(users), BATCH):
            part = slice(start, start + BATCH)
            for one in step:
                one.zero_grad()
            loss = loss_of(model(users[part], items[part]), labels[part])
            loss.backward()
            for one in step:
                one.step()
            n_samples += len(labels[part])
            total, n_batches = total + loss.item(), n_batches + 1
            if time.perf_counter() > end:
                return n_samples, {"last loss": total / n_batches}
        if number in options.get("at", ()):
            curve[f"loss after {number}"] = cross_entropy(inputs, partial(logits, model))
    return n_samples, {"last loss": total / n_batches, **curve}


def epoch(inputs, rng):
    """Draw the samples of an epoch, in random order."""
    users, items = inputs.pairs()
    other_users, other_items = negatives(inputs, per_positive=N_NEGATIVES, rng=rng)
    labels = np.concatenate([np.ones(len(users)), np.zeros(len(other_users))]).astype(np.float32)
    users, items = np.concatenate([users, other_users]), np.concatenate([items, other_items])
    order = rng.permutation(len(users))
    return tuple(torch.from_numpy(array[order]) for array in (users, items, labels))


@torch.no_grad()
def logits(model, users, items):
    """Give the logits of pairs, a million at a time."""
    parts = zip(np.array_split(users, 8), np.array_split(items, 8), strict=True)
    return np.concatenate([model(torch.from_numpy(u), torch.from_numpy(i)).numpy() for u, i in parts])


@torch.no_grad()
def scores(model, rows, n_items):
    """Score the whole catalogue for some users."""
    items = torch.arange(n_items)
    return np.stack([model(torch.full((n_items,), int(row)), items).numpy() for row in rows])


main()
