"""implicit: cosine neighbors, fit and all lists of k.

Arguments: inputs.npz, JSON of n_neighbors, k, threads, lists (where to save them).
"""

import json
import sys

import implicit
import numpy as np
from scipy import sparse

from lab.bench.clock import Clock
from lab.bench.matrices import Inputs

inputs, options = Inputs.load(sys.argv[1]), json.loads(sys.argv[2])
histories = sparse.csr_matrix(inputs.histories)  # it refuses the arrays of newer scipy
users = np.arange(histories.shape[0])
clock = Clock()
# an item is its own nearest neighbor here, and its vote goes to the user's own items, which are left out
model = implicit.nearest_neighbours.CosineRecommender(
    K=options["n_neighbors"] + 1, num_threads=options["threads"]
)
with clock.part("fit"):
    model.fit(histories, show_progress=False)
with clock.part("lists"):
    items, _ = model.recommend(users, histories, N=options["k"], filter_already_liked_items=True)
np.save(options["lists"], items)
clock.tell(
    units=len(users),
    packages=("implicit", "scipy"),
    notes=("implicit counts an item among its own neighbors, so it is given one more",),
)
