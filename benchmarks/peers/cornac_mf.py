"""Cornac: matrix factorization by SGD, hogwild.

Arguments: inputs.npz, JSON of factors, epochs, threads, seed.
"""

import json
import sys

import numpy as np
from cornac.data import Dataset
from cornac.models import MF

from lab.bench.clock import Clock
from lab.bench.matrices import Inputs, hit_rate, negatives

inputs, options = Inputs.load(sys.argv[1]), json.loads(sys.argv[2])
rng = np.random.default_rng(options["seed"])
users, items = inputs.pairs()
other_users, other_items = negatives(inputs, per_positive=1, rng=rng)
labels = np.concatenate([np.ones(len(users)), np.zeros(len(other_users))])
users, items = np.concatenate([users, other_users]), np.concatenate([items, other_items])
order = rng.permutation(len(users))
data = Dataset.from_uir(list(zip(users[order], items[order], labels[order], strict=True)))
np.random.seed(options["seed"])  # the start is drawn from numpy's global generator
model = MF(
    k=options["factors"],
    max_iter=options["epochs"],
    learning_rate=0.01,
    lambda_reg=0.01,
    use_bias=False,
    early_stop=False,
    num_threads=options["threads"],  # a seed of its own would make it run on one thread
)
clock = Clock()
with clock.part("train"):
    model.fit(data)
shape = inputs.histories.shape
user_factors = np.zeros((shape[0], options["factors"]), dtype=np.float32)
item_factors = np.zeros((shape[1], options["factors"]), dtype=np.float32)
user_factors[list(data.uid_map)] = model.u_factors
item_factors[list(data.iid_map)] = model.i_factors
hits = hit_rate(inputs, lambda rows: user_factors[rows] @ item_factors.T, k=100)
clock.tell(
    units=len(users) * options["epochs"],
    figures={"HR@100": hits},
    packages=("cornac", "numpy"),
    notes=(
        "cornac draws no negatives: it is given one per interaction, drawn before, the same in each epoch",
    ),
)
