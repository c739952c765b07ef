"""RecBole: NeuMF. Arguments: inputs.npz, JSON of seconds, threads, seed."""

import json
import sys
import tempfile
from pathlib import Path

import torch
from budget import Budget
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.trainer import Trainer
from recbole.utils import get_model

from lab.bench.clock import Clock
from lab.bench.matrices import Inputs


class Limited:
    """A loader of batches that ends when the time is over."""

    def __init__(self, loader, budget):
        self._loader, self._budget = loader, budget

    def __iter__(self):
        return self._budget.limit(self._loader)

    def __len__(self):
        return len(self._loader)

    def __getattr__(self, name):
        return getattr(self._loader, name)


def main() -> None:
    """Write the data in RecBole's format, train for a while, tell."""
    inputs, options = Inputs.load(sys.argv[1]), json.loads(sys.argv[2])
    sys.argv = sys.argv[:1]  # RecBole would read our arguments as its own
    torch.set_num_threads(options["threads"])
    with tempfile.TemporaryDirectory() as folder:
        write(inputs, Path(folder) / "data")
        config = Config(model="NeuMF", dataset="data", config_dict=settings(folder, options))
        loader, _, _ = data_preparation(config, create_dataset(config))
        model = get_model("NeuMF")(config, loader.dataset).to(config["device"])
        budget = Budget(options["seconds"], len)
        trainer = Trainer(config, model)
        clock = Clock()
        with clock.part("train"):
            trainer._train_epoch(Limited(loader, budget), 0)
    clock.tell(
        units=budget.samples,
        packages=("recbole", "torch", "numpy"),
        notes=("recbole's NeuMF has dropout after each layer, set to 0",),
    )


def write(inputs: Inputs, folder: Path) -> None:
    """Write an .inter file."""
    folder.mkdir()
    users, items = inputs.pairs()
    lines = [f"{u}\t{i}" for u, i in zip(users.tolist(), items.tolist(), strict=True)]
    header = "user_id:token\titem_id:token"
    (folder / "data.inter").write_text("\n".join([header, *lines]) + "\n")


def settings(folder: str, options: dict) -> dict:
    """Give the paper's settings as RecBole calls them."""
    return {
        "data_path": folder,
        "checkpoint_dir": folder,
        "use_gpu": False,
        "seed": options["seed"],
        "state": "ERROR",
        "load_col": {"inter": ["user_id", "item_id"]},
        "train_batch_size": 256,
        "train_neg_sample_args": {
            "distribution": "uniform",
            "sample_num": 4,
            "alpha": 1.0,
            "dynamic": False,
            "candidate_num": 0,
        },
        "eval_args": {"split": {"RS": [1.0, 0.0, 0.0]}, "group_by": "user", "order": "RO", "mode": "full"},
        "mf_embedding_size": 8,
        "mlp_embedding_size": 32,
        "mlp_hidden_size": [32, 16],
        "dropout_prob": 0.0,
        "learning_rate": 0.001,
        "show_progress": False,
    }


main()
