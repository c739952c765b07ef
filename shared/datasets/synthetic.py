"""A dataset of our own making: a long tail of items, users with tastes, long and short histories."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from shared.arrays import Rows
from shared.errors import BadInput
from shared.interactions import Ids, Interactions
from shared.progress import SILENT, Progress
from shared.randomness import rng_for

PREFIX = "synthetic"
_BLOCK_CELLS = 1_000_000  # draws, and cells of (users, tastes), held at a time; part of what a seed means
_MAX_ROUNDS = 50
_LIMIT = 2**31 - 1  # the matrix has 32-bit indices

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class SyntheticSpec:
    """What to generate; the defaults are about the size and shape of Last.fm 2k, with longer histories.

    n_users, n_items     sizes; an item that nobody drew stays in the catalogue
    mean_history         mean items per user before the bounds; lengths are log-normal
    history_spread       standard deviation of the logarithm of the length
    min_history          least items per user; the most is half the catalogue
    n_tastes             groups of items that go together
    taste_concentration  small: a user has one taste; large: a user has all of them, like everybody else
    mainstream           share of the draws that follow popularity alone, whatever the taste
    popularity_exponent  a of the weight (rank + head)^-a
    popularity_head      ranks over which the head is flat
    Raises ValueError on a value out of bounds.
    """

    n_users: int = 2000
    n_items: int = 8000
    mean_history: float = 90.0
    history_spread: float = 0.5
    min_history: int = 10
    n_tastes: int = 40
    taste_concentration: float = 1.5
    mainstream: float = 0.15
    popularity_exponent: float = 1.3
    popularity_head: float = 25.0

    def __post_init__(self) -> None:
        bounds = {
            "n_users": (2, _LIMIT),
            "n_items": (4, _LIMIT),
            "mean_history": (1, self.n_items / 2),
            "history_spread": (0, 3),
            "min_history": (1, self.n_items // 2),
            "n_tastes": (1, min(self.n_items, 10_000)),
            "taste_concentration": (1e-3, 1e6),
            "mainstream": (0, 1),
            "popularity_exponent": (0, 10),
            "popularity_head": (0, 1e9),
        }
        for name, (least, most) in bounds.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} must lie in [{least:g}, {most:g}], found {getattr(self, name):g}")
        if self.n_users * self.mean_history > _LIMIT:
            raise ValueError(
                f"at most {_LIMIT:,} interactions expected, found n_users * mean_history above it"
            )


_KEYS = {
    "users": "n_users",
    "items": "n_items",
    "history": "mean_history",
    "spread": "history_spread",
    "min_history": "min_history",
    "tastes": "n_tastes",
    "concentration": "taste_concentration",
    "mainstream": "mainstream",
    "exponent": "popularity_exponent",
    "head": "popularity_head",
}


def generate(spec: SyntheticSpec, *, seed: int, progress: Progress = SILENT) -> Interactions:
    """Generate a dataset; equal spec and seed give equal bytes.

    A user draws tastes from a Dirichlet distribution, and items from their tastes by popularity, without
    repeats. One whose tastes run out has a shorter history than was drawn for them. Time and memory are
    proportional to the interactions.
    Raises JobStopped if `progress` says so.
    """
    world = _World.draw(spec, rng=rng_for(seed, PREFIX, "items"))
    lengths = _history_lengths(spec, rng=rng_for(seed, PREFIX, "lengths"))
    found_lengths, found_items = [], []
    for first, last in _blocks(lengths, spec):
        progress.step(first / spec.n_users, "generating users")
        keys = _draw_block(world, lengths[first:last], spec, rng=rng_for(seed, PREFIX, "users", first))
        found_lengths.append(np.bincount(keys // spec.n_items, minlength=last - first))
        found_items.append((keys % spec.n_items).astype(np.int32))
    progress.step(1.0, "generated")
    return _interactions(np.concatenate(found_lengths), np.concatenate(found_items), spec)


def parse_name(name: str) -> tuple[SyntheticSpec, int]:
    """Read `synthetic` or `synthetic:users=100000,history=50,seed=3`: a spec, and a seed, 0 if not given.

    Raises BadInput on another name, and on an unknown key or unfit value, naming it.
    """
    head, _, settings = name.partition(":")
    if head != PREFIX:
        raise BadInput(f"a synthetic dataset is called {PREFIX} or {PREFIX}:key=value,..., found {name!r}")
    seed = 0
    chosen: dict[str, int | float] = {}
    for setting in filter(None, settings.split(",")):
        key, _, value = (part.strip() for part in setting.partition("="))
        if key == "seed":
            seed = _whole(key, value)
        elif key in _KEYS:
            chosen[_KEYS[key]] = (_whole if _KEYS[key] in _WHOLE else _real)(key, value)
        else:
            raise BadInput(f"{PREFIX} has no setting {key!r}; choose from {', '.join([*_KEYS, 'seed'])}")
    return _checked_spec(chosen), seed


_WHOLE = {field.name for field in fields(SyntheticSpec) if isinstance(field.default, int)}


def _whole(key: str, value: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise BadInput(f"{PREFIX} setting {key} needs a whole number, found {value!r}") from error


def _real(key: str, value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise BadInput(f"{PREFIX} setting {key} needs a number, found {value!r}") from error


def _checked_spec(chosen: dict[str, int | float]) -> SyntheticSpec:
    try:
        return SyntheticSpec(**chosen)  # type: ignore[arg-type]
    except ValueError as error:
        raise BadInput(f"{PREFIX}: {error}") from error


@dataclass(frozen=True)
class _World:
    """Items by taste; segment t < n_tastes is a taste, the last one holds all items.

    items       (2 * n_items,) item rows, segment after segment
    cumulative  (2 * n_items,) ascending; segment t runs from t to t + 1 by popularity
    last        (n_tastes + 1,) index of each segment's last entry
    shares      (n_tastes,) each taste's share of the popularity, sum 1
    """

    items: Rows
    cumulative: Floats
    last: Rows
    shares: Floats

    @staticmethod
    def draw(spec: SyntheticSpec, *, rng: np.random.Generator) -> "_World":
        ranks = rng.permutation(spec.n_items) + 1.0
        weights = (ranks + spec.popularity_head) ** -spec.popularity_exponent
        taste = rng.permutation(np.arange(spec.n_items) % spec.n_tastes)
        items = np.concatenate([np.argsort(taste, kind="stable"), np.arange(spec.n_items)])
        sizes = np.append(np.bincount(taste, minlength=spec.n_tastes), spec.n_items)
        last = np.cumsum(sizes) - 1
        cumulative = np.concatenate(
            [
                segment + np.cumsum(part) / part.sum()
                for segment, part in enumerate(np.split(weights[items], last[:-1] + 1))
            ]
        )
        shares = np.bincount(taste, weights=weights, minlength=spec.n_tastes) / weights.sum()
        return _World(items, cumulative, last, shares)

    def draw_items(self, segments: Rows, *, rng: np.random.Generator) -> Rows:
        """Draw one item from each segment asked for."""
        found = np.searchsorted(self.cumulative, segments + rng.random(len(segments)), side="right")
        return self.items[np.minimum(found, self.last[segments])]  # 1 - tiny may round to the next segment


def _history_lengths(spec: SyntheticSpec, *, rng: np.random.Generator) -> Rows:
    middle = np.log(spec.mean_history) - spec.history_spread**2 / 2
    lengths = np.rint(np.exp(rng.normal(middle, spec.history_spread, size=spec.n_users)))
    return np.clip(lengths, spec.min_history, spec.n_items // 2).astype(np.int64)


def _blocks(lengths: Rows, spec: SyntheticSpec) -> Iterator[tuple[int, int]]:
    """Cut the users into runs that fit in memory, at least one user each."""
    before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.maximum(lengths, spec.n_tastes + 1))])
    first = 0
    while first < spec.n_users:
        last = int(np.searchsorted(before, before[first] + _BLOCK_CELLS, side="right")) - 1
        last = max(last, first + 1)
        yield first, last
        first = last


def _draw_block(world: _World, lengths: Rows, spec: SyntheticSpec, *, rng: np.random.Generator) -> Rows:
    """Draw the histories of some users: keys `user * n_items + item`, ascending, no repeats."""
    ends = _mixture_ends(world, len(lengths), spec, rng=rng)
    keys = np.zeros(0, dtype=np.int64)
    for _ in range(_MAX_ROUNDS):
        missing = lengths - np.bincount(keys // spec.n_items, minlength=len(lengths))
        if not missing.any():
            break
        users = np.repeat(np.arange(len(lengths)), missing)
        items = world.draw_items(_draw_segments(ends, users, rng=rng), rng=rng)
        keys = _merged(keys, users * spec.n_items + items)
    return keys


def _mixture_ends(world: _World, n_users: int, spec: SyntheticSpec, *, rng: np.random.Generator) -> Floats:
    """(n_users, n_tastes + 1): where each segment ends on the user's stretch [user, user + 1]."""
    gammas = rng.standard_gamma(spec.taste_concentration * world.shares, size=(n_users, spec.n_tastes))
    gammas[np.arange(n_users), rng.choice(spec.n_tastes, size=n_users, p=world.shares)] += 1e-12
    tastes = gammas / gammas.sum(axis=1, keepdims=True)  # the tiny amount: all may underflow to 0
    mixture = np.column_stack([tastes * (1 - spec.mainstream), np.full(n_users, spec.mainstream)])
    return np.cumsum(mixture, axis=1) + np.arange(n_users)[:, np.newaxis]


def _draw_segments(ends: Floats, users: Rows, *, rng: np.random.Generator) -> Rows:
    """Draw a segment for each user asked for, from the user's own mixture."""
    n_segments = ends.shape[1]
    found: Rows = np.searchsorted(ends.ravel(), users + rng.random(len(users)), side="right")
    segments: Rows = np.clip(found - users * n_segments, 0, n_segments - 1)
    return segments


def _merged(keys: Rows, new: Rows) -> Rows:
    """Put keys in any order into ascending keys, once each."""
    new = np.sort(new)  # np.unique would put them through a table: seven times slower
    new = new[np.append(True, new[1:] != new[:-1])]
    place = np.searchsorted(keys, new)
    known = np.zeros(len(new), dtype=np.bool_)
    inside = place < len(keys)
    known[inside] = keys[place[inside]] == new[inside]
    return np.sort(np.concatenate([keys, new[~known]]), kind="stable")


def _interactions(lengths: Rows, items: NDArray[np.int32], spec: SyntheticSpec) -> Interactions:
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    if len(items) <= _LIMIT:
        starts = starts.astype(
            np.int32
        )  # or else scipy would widen the items, half a gigabyte in 100 million
    ones = np.ones(len(items), dtype=np.float32)
    histories = sparse.csr_array((ones, items, starts), shape=(spec.n_users, spec.n_items))
    return Interactions(histories, _ids("u", spec.n_users), _ids("i", spec.n_items))


def _ids(letter: str, n: int) -> Ids:
    """Names of one width, so that their order is that of the rows."""
    width = len(str(n - 1))
    return Ids(tuple(f"{letter}{row:0{width}d}" for row in range(n)))
