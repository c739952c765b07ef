"""Item-based collaborative filtering: recommend what resembles the history, by who has both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Histories, Rows, Vectors
from shared.compiled import csr_parts
from shared.progress import Progress
from shared.ranked_lists import RankedLists
from shared.recommenders import item_loops
from shared.recommenders.base import Algorithm, Hyperparameters, check_trainable, settings_of
from shared.recommenders.topk import check_request, empty_lists, rank_catalogue

_ITEM_BLOCK_BYTES = 16 * 2**20
_ITEM_CHUNK = 4096  # items between two looks at `should_stop`


@dataclass(frozen=True)
class ItemSettings(Hyperparameters):
    """Settings of item-based collaborative filtering; the paper gives none."""

    n_neighbors: int | None = field(
        default=None,
        metadata={"doc": "keep each item's so many most similar items; null keeps all", "minimum": 1},
    )


@dataclass(frozen=True)
class Neighbors:
    """Each item's most similar items, itself left out.

    indptr  (n_items + 1,) int64; item i has rows[indptr[i]:indptr[i + 1]]
    rows    (n_kept,) int32, item rows, most similar first, ties to the smaller row
    values  (n_kept,) float64 in (0, 1], their cosines
    """

    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class ItemKnn:
    """Scores item j for user u by the sum of cosine(i, j) over the items i of u's history.

    cosine(i, j) = |N(i) & N(j)| / sqrt(|N(i)| |N(j)|), N(i) = users who have i; in the sum i = j counts 1
    if all neighbors are kept and 0 otherwise. Sums are float64, rounded to float32 once, so that equal sums
    tie whatever the order of users.

    histories  (n_users, n_items), what it was trained on
    neighbors  None if every item votes for all others; else item i votes for its neighbors alone
    Source: Deshpande and Karypis 2004, sections 4.1-4.2, cosine similarity, without their normalization.
    """

    histories: Histories
    neighbors: Neighbors | None = None

    @cached_property
    def _world(self) -> item_loops.World:
        indptr, indices = csr_parts(self.histories)
        item_indptr, item_indices = csr_parts(self.histories.T.tocsr())
        counts = np.maximum(np.diff(item_indptr), 1)
        return item_loops.World(indptr, indices, item_indptr, item_indices, 1.0 / np.sqrt(counts))

    @cached_property
    def _is_dense(self) -> bool:
        """Say whether adding whole rows of cosines costs less than walking item - user - item.

        The constants are additions a nanosecond, measured: a dense row is added with vector instructions, a
        walk adds one number at a time.
        """
        if self.neighbors is not None:
            return False
        lengths, counts = np.diff(self._world.indptr), np.diff(self._world.item_indptr)
        reached = np.asarray(self.histories.T @ lengths)  # (n_items,) steps from an item to the next items
        walk = min(float(counts @ reached), float(len(lengths)) * float(lengths.sum()))
        dense = float((lengths.astype(np.float64) ** 2).sum()) + lengths.sum() * len(counts) / 4
        return bool(dense < walk)

    def scores(self, user_rows: Rows) -> Vectors:
        """Score the whole catalogue: (len(user_rows), n_items) float32 >= 0."""
        rows = np.asarray(user_rows, dtype=np.int64)
        n_items = self.histories.shape[1]
        if self._is_dense:
            sums = np.zeros((len(rows), n_items))
            block = max(1, _ITEM_BLOCK_BYTES // (12 * n_items))
            item_loops.add_similar_rows(self._world, rows, block, sums)
            return sums.astype(np.float32)
        found = np.empty((len(rows), n_items), dtype=np.float32)
        if self.neighbors is None:
            item_loops.score_by_walk(self._world, rows, found)
        else:
            item_loops.score_by_neighbors(self._world, *_parts(self.neighbors), rows, found)
        return found

    def recommend(self, user_rows: Rows, *, k: int) -> RankedLists:
        """Rank the catalogue; see `Recommender.recommend`. Sparse data never see a dense row of scores."""
        if self._is_dense:
            return rank_catalogue(self.scores, self.histories, user_rows, k=k)
        rows = check_request(self.histories, user_rows, k=k)
        lists = empty_lists(len(rows), k)
        if self.neighbors is None:
            item_loops.rank_by_walk(self._world, rows, lists.items, lists.lengths)
        else:
            item_loops.rank_by_neighbors(
                self._world, *_parts(self.neighbors), rows, lists.items, lists.lengths
            )
        return RankedLists(items=lists.items, lengths=lists.lengths)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Give the neighbors, if not all; the rest follows from the histories."""
        if self.neighbors is None:
            return {}
        return dict(zip(("indptr", "rows", "values"), _parts(self.neighbors), strict=True))


class ItemKind:
    """What the registry knows of item-based collaborative filtering."""

    algorithm: Algorithm = Algorithm.ITEM
    hyperparameters: type[Hyperparameters] = ItemSettings

    def train(
        self,
        histories: Histories,
        settings: Hyperparameters,
        *,
        seed: int,  # noqa: ARG002 - nothing is drawn
        progress: Progress,
    ) -> ItemKnn:
        """Find each item's neighbors, if not all are kept; see `RecommenderKind.train`."""
        n_neighbors = settings_of(ItemSettings, settings).n_neighbors
        check_trainable(histories)
        progress.step(0.0, "comparing items")
        model = ItemKnn(histories)
        if n_neighbors is None:
            return model
        return ItemKnn(histories, _nearest(model._world, n_neighbors, progress=progress))

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]], histories: Histories) -> ItemKnn:
        """Build it again from its neighbors (if any) and its histories."""
        if not arrays:
            return ItemKnn(histories)
        return ItemKnn(histories, Neighbors(arrays["indptr"], arrays["rows"], arrays["values"]))


def _parts(neighbors: Neighbors) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    return neighbors.indptr, neighbors.rows, neighbors.values


def _nearest(world: item_loops.World, n_neighbors: int, *, progress: Progress) -> Neighbors:
    n_items = len(world.inverse_norms)
    n_kept = min(n_neighbors, n_items)
    parts = []
    for start in range(0, n_items, _ITEM_CHUNK):
        progress.step(start / n_items, "comparing items")
        stop = min(start + _ITEM_CHUNK, n_items)
        rows = np.empty((stop - start, n_kept), dtype=np.int32)
        values = np.empty((stop - start, n_kept), dtype=np.float64)
        lengths = np.zeros(stop - start, dtype=np.int64)
        item_loops.nearest_items(world, start, rows, values, lengths)
        is_kept = np.arange(n_kept)[None, :] < lengths[:, None]
        parts.append((lengths, rows[is_kept], values[is_kept]))
    all_lengths, all_rows, all_values = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Neighbors(np.concatenate([[0], np.cumsum(all_lengths)]), all_rows, all_values)
