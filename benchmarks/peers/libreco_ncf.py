"""LibRecommender: NCF on TensorFlow. Arguments: inputs.npz, JSON of seconds, threads, seed."""

import json
import sys

import pandas as pd
from budget import Budget
from libreco.algorithms import NCF
from libreco.data import DatasetPure
from libreco.training import tf_trainer

from lab.bench.clock import Clock
from lab.bench.matrices import Inputs

inputs, options = Inputs.load(sys.argv[1]), json.loads(sys.argv[2])
users, items = inputs.pairs()
frame = pd.DataFrame({"user": users, "item": items, "label": 1})
train, info = DatasetPure.build_trainset(frame)
budget = Budget(options["seconds"], lambda batch: len(batch.labels))
whole_epoch = tf_trainer.get_batch_loader
tf_trainer.get_batch_loader = lambda *args: budget.limit(whole_epoch(*args))
model = NCF(
    "ranking",
    info,
    embed_size=32,
    n_epochs=1,
    lr=0.001,
    batch_size=256,
    num_neg=4,
    use_bn=False,
    hidden_units=(32, 16),
    sampler="unconsumed",
    seed=options["seed"],
    tf_sess_config={
        "intra_op_parallelism_threads": options["threads"],
        "inter_op_parallelism_threads": options["threads"],
    },
)
clock = Clock()
with clock.part("train"):
    model.fit(train, neg_sampling=True, verbose=0, shuffle=True)
clock.tell(
    units=budget.samples,
    packages=("LibRecommender", "tensorflow-cpu"),
    notes=("LibRecommender's NCF has one vector of 32 for both halves, where NeuMF has 32 + 8",),
)
