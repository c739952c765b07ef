"""Cornac: NeuMF on PyTorch. Arguments: inputs.npz, JSON of seconds, threads, seed."""

import json
import sys

import torch
from budget import Budget
from cornac.data import Dataset
from cornac.models import NeuMF

from lab.bench.clock import Clock
from lab.bench.matrices import Inputs

inputs, options = Inputs.load(sys.argv[1]), json.loads(sys.argv[2])
torch.set_num_threads(options["threads"])
users, items = inputs.pairs()
data = Dataset.from_uir([(u, i, 1.0) for u, i in zip(users.tolist(), items.tolist(), strict=True)])
_ = data.dok_matrix  # made once, when the first negative is drawn; not what is measured
budget = Budget(options["seconds"], lambda batch: len(batch[0]))
whole_epoch = data.uir_iter
data.uir_iter = lambda *args, **settings: budget.limit(whole_epoch(*args, **settings))
model = NeuMF(
    num_factors=8,
    layers=(64, 32, 16, 8),  # it wants the last layer to be as long as the factors
    num_epochs=1,
    batch_size=51,  # interactions: 255 samples with four negatives each
    num_neg=4,
    lr=0.001,
    backend="pytorch",
    verbose=False,
    seed=options["seed"],
)
clock = Clock()
with clock.part("train"):
    model.fit(data)
clock.tell(
    units=budget.samples,
    packages=("cornac", "torch"),
    notes=(
        "cornac counts interactions in a batch: 51, which with four negatives each make 255 samples; "
        "its network has one layer more",
    ),
)
