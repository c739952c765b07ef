"""Item-based collaborative filtering: recommend what resembles the history, by who has both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Histories, Rows, Vectors
from shared.compiled import csr_parts
from shared.parallel import run_blocks, share
from shared.progress import Progress
from shared.ranked_lists import RankedLists
from shared.recommenders import item_loops
from shared.recommenders.base import (
    Algorithm,
    Hyperparameters,
    check_foldable,
    check_trainable,
    settings_of,
)
from shared.recommenders.topk import check_k, check_request, empty_lists, rank_catalogue

_ITEM_CHUNK = 4096  # items between two looks at `should_stop`
_USER_BLOCK = 32  # users whom a thread scores or ranks at a time, at least


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
        """Say whether summing whole columns of cosines costs less than walking item - user - item.

        The constants are additions a nanosecond, measured: columns are summed with vector instructions, a
        walk adds one number at a time.
        """
        if self.neighbors is not None:
            return False
        lengths, counts = np.diff(self._world.indptr), np.diff(self._world.item_indptr)
        reached = np.asarray(self.histories.T @ lengths)  # (n_items,) steps from an item to the next items
        walk = min(float(counts @ reached), float(len(lengths)) * float(lengths.sum()))
        dense = float((lengths.astype(np.float64) ** 2).sum()) / 2 + lengths.sum() * len(counts) / 16
        return bool(dense < walk)

    def scores(self, user_rows: Rows) -> Vectors:
        """Score the whole catalogue: (len(user_rows), n_items) float32 >= 0."""
        rows = np.asarray(user_rows, dtype=np.int64)
        n_items = self.histories.shape[1]
        found = np.empty((len(rows), n_items), dtype=np.float32)
        if self._is_dense:

            def score_tiles(first: int, last: int) -> None:
                item_loops.score_tiles(self._world, rows, first, last, found)

            run_blocks(score_tiles, n_items, block=_whole_tiles(n_items))
            return found

        def score(start: int, stop: int) -> None:
            if self.neighbors is None:
                item_loops.score_by_walk(self._world, rows[start:stop], found[start:stop])
            else:
                parts = _parts(self.neighbors)
                item_loops.score_by_neighbors(self._world, *parts, rows[start:stop], found[start:stop])

        run_blocks(score, len(rows), block=share(len(rows), least=_USER_BLOCK))
        return found

    def recommend(self, user_rows: Rows, *, k: int) -> RankedLists:
        """Rank the catalogue; see `Recommender.recommend`. Sparse data never see a dense row of scores."""
        if self._is_dense:
            return rank_catalogue(self.scores, self.histories, user_rows, k=k)
        rows = check_request(self.histories, user_rows, k=k)
        return self._ranked(item_loops.Asked(self._world.indptr, self._world.indices), rows, k=k)

    def fold_in(self, histories: Histories, *, k: int) -> RankedLists:
        """Rank by the sum of cosines over the history, see `Recommender.fold_in`.

        The cosines are theirs alone: whom a list is made for has no part in them.
        """
        check_foldable(histories, n_items=self.histories.shape[1])
        return self._ranked(
            item_loops.Asked(*csr_parts(histories)), np.arange(histories.shape[0]), k=check_k(k)
        )

    def _ranked(self, asked: item_loops.Asked, rows: Rows, *, k: int) -> RankedLists:
        lists = empty_lists(len(rows), k)

        def rank(start: int, stop: int) -> None:
            block, items, lengths = rows[start:stop], lists.items[start:stop], lists.lengths[start:stop]
            if self.neighbors is None:
                item_loops.rank_by_walk(self._world, asked, block, items, lengths)
            else:
                parts = _parts(self.neighbors)
                item_loops.rank_by_neighbors(self._world, *parts, asked, block, items, lengths)

        run_blocks(rank, len(rows), block=share(len(rows), least=_USER_BLOCK))
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

    def from_arrays(
        self, arrays: Mapping[str, NDArray[Any]], histories: Histories, settings: Hyperparameters
    ) -> ItemKnn:
        """Build it again from its neighbors (if any) and its histories."""
        settings_of(ItemSettings, settings)
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
        parts.append(_nearest_of(world, start, min(start + _ITEM_CHUNK, n_items), n_kept))
    all_lengths, all_rows, all_values = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Neighbors(np.concatenate([[0], np.cumsum(all_lengths)]), all_rows, all_values)


def _nearest_of(
    world: item_loops.World, first: int, last: int, n_kept: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Give how many neighbors each of some items has, and their rows and cosines one after the other."""
    rows = np.empty((last - first, n_kept), dtype=np.int32)
    values = np.empty((last - first, n_kept), dtype=np.float64)
    lengths = np.zeros(last - first, dtype=np.int64)

    def find(start: int, stop: int) -> None:
        item_loops.nearest_items(
            world, first + start, rows[start:stop], values[start:stop], lengths[start:stop]
        )

    run_blocks(find, last - first, block=share(last - first, least=16, shares=16))
    is_kept = np.arange(n_kept)[None, :] < lengths[:, None]
    return lengths, rows[is_kept], values[is_kept]


def _whole_tiles(n_items: int) -> int:
    """Give a block length of whole tiles: the same columns are summed together whoever does it."""
    tile = item_loops.TILE
    return share(-(-n_items // tile)) * tile
