"""Lists for histories that a request brings along: computed then and there, from the trained model."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from services.target.serving import ServedDeployment
from shared.arrays import Histories
from shared.errors import BadInput, NotFound

_MOST_TOLD = 3
_USER_ID_MAX = 200


def list_from_history(deployment: ServedDeployment, items: Sequence[str], k: int, client: str) -> bytes:
    """Answer for a history: `HistoryAnswer` as JSON; it counts as a list for a stranger of that history.

    items  ids, in any order; repeats change nothing
    Raises NotFound if the deployment answers no histories; BadInput if it does not have an item.
    """
    if deployment.model is None:
        raise NotFound(
            "this deployment makes no lists from histories; make one with answers_histories to have them"
        )
    history = _history(deployment, items)
    deployment.queries.add(client, k, None, _name_of(history))
    found = deployment.model.fold_in(history, k=k)
    return b'{"items":[%b]}' % deployment.item_json.join(found.of(0).astype(np.int32))


def _history(deployment: ServedDeployment, items: Sequence[str]) -> Histories:
    rows = [deployment.item_ids.row_of(item) for item in items]
    unknown = [item[:80] for item, row in zip(items, rows, strict=True) if row is None]
    if unknown:
        more = f" and {len(unknown) - _MOST_TOLD} more" if len(unknown) > _MOST_TOLD else ""
        raise BadInput(
            f"these items are not in the catalogue: {', '.join(map(repr, unknown[:_MOST_TOLD]))}{more};"
            " GET /v1/items lists it"
        )
    own = np.unique(np.array(rows, dtype=np.int32))
    ones = np.ones(len(own), dtype=np.float32)
    return sparse.csr_array((ones, own, np.array([0, len(own)])), shape=(1, len(deployment.item_ids)))


def _name_of(history: Histories) -> str:
    """Name a history for the count of who was asked for; longer than any user id."""
    return ",".join(map(str, history.indices.tolist())).ljust(_USER_ID_MAX + 1)
