"""Our side of querying, as an attack does it: each answer into the journal, each chunk into the store."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lab.bench.clock import Clock
from services.attacker.asking.journal import Journal, journal_path
from services.attacker.asking.target_client import TargetClient
from shared.artifacts import ArtifactStore, artifact_name
from shared.contract.attacker import QueryMode, QuerySettings, TargetAddress

_CHUNK = 500  # users in a stored chunk, the default of a spec


def single_lists(options: Mapping[str, Any]) -> None:
    """Ask for one list after the other; options url, key, users (a file of ids), k, at_once."""
    users = Path(options["users"]).read_text(encoding="utf-8").split()
    chunks = [(n, users[start : start + _CHUNK]) for n, start in enumerate(range(0, len(users), _CHUNK))]
    query = QuerySettings(mode=QueryMode.SINGLE, concurrency=options["at_once"], batch_size=_CHUNK)
    address = TargetAddress.model_validate({"url": options["url"], "query": query})
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        store, n_lists = ArtifactStore(Path(folder) / "artifacts"), 0
        with (
            Journal(journal_path(store, "bench")) as journal,
            TargetClient(
                address, key=options["key"], rng=np.random.default_rng(0), journal=journal
            ) as client,
            clock.part("lists"),
        ):
            for number, answers in client.answers(chunks, k=options["k"]):
                name = artifact_name("chunk", number=number)
                store.put(name, answers.to_arrays(), {"number": number})
                journal.clear()
                n_lists += answers.lists.n_users
        clock.tell(units=n_lists, figures={"repeats": client.repeats}, packages=("aiohttp",))
