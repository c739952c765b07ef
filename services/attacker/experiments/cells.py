"""A cell: one shadow, one target, one attack, one seed; everything its figures depend on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from shared.attacks import AttackModelKind, AttackPreset, Factorization, RankWeights
from shared.datasets.splits import Division, DivisionSpec
from shared.errors import BadInput
from shared.recommenders.base import Algorithm

LETTER_OF_DATASET: Mapping[str, str] = {"adm": "A", "lastfm-2k": "L", "ml-1m": "M"}
LETTER_OF_ALGORITHM: Mapping[Algorithm, str] = {
    Algorithm.ITEM: "I",
    Algorithm.LFM: "L",
    Algorithm.NCF: "N",
}


Settings: TypeAlias = tuple[tuple[str, int | float | str | None], ...]


class Part(StrEnum):
    """The part of a divided dataset that a recommender is trained on."""

    SHADOW = "shadow"
    TARGET = "target"


@dataclass(frozen=True)
class Side:
    """A recommender of a world: half of the users of a part are its members.

    pool             strangers get a random draw from so many popular items (Popularity Randomization); None =
                     all get the same popular list
    hyperparameters  where they depart from the paper's, by name
    """

    dataset: str
    algorithm: Algorithm
    pool: int | None = None
    hyperparameters: Settings = ()

    @property
    def code(self) -> str:
        """The paper's two letters, such as LI; the names where the paper has no letter."""
        dataset = LETTER_OF_DATASET.get(self.dataset)
        algorithm = LETTER_OF_ALGORITHM.get(self.algorithm)
        return dataset + algorithm if dataset and algorithm else f"{self.dataset}/{self.algorithm}"

    @property
    def settings(self) -> str | None:
        """Where it departs from the paper's hyperparameters, in words; None = nowhere."""
        return " ".join(f"{name}={value}" for name, value in self.hyperparameters) or None


@dataclass(frozen=True)
class Cell:
    """One experiment. Two equal cells have equal figures.

    factorization   how item vectors are learned; None = as the preset does
    known_history   how many of each user's interactions the attacker knows, drawn at random; None = all
    n_shadow_users  how many users the shadow part has, drawn at random; None = all
    is_rehearsal    the attacker tries the attack on itself: the target is trained on the shadow part with
                    another coin, the attack learns on four fifths of the users and judges the others. Choices
                    are made on such cells, for they need no label of a target.
    seed            of everything that is drawn: the division, both coins, trainings, the attack model
    """

    shadow: Side
    target: Side
    preset: AttackPreset = AttackPreset.DIFFERENCE
    model: AttackModelKind = AttackModelKind.MLP
    weights: RankWeights = RankWeights.LINEAR
    k: int = 100
    length: int = 100
    factorization: Factorization | None = None
    division: Division = Division.BY_INTERACTION
    min_interactions: int = 20
    known_history: int | None = None
    n_shadow_users: int | None = None
    is_rehearsal: bool = False
    seed: int = 0

    @property
    def code(self) -> str:
        """Shadow, then target: AIMN is shadow Item on ADM against a target NCF on ml-1m."""
        letters = self.shadow.code + self.target.code
        return letters if "/" not in letters else f"{self.shadow.code} -> {self.target.code}"

    @property
    def variation(self) -> dict[str, str]:
        """What differs from the paper, by name: the attack's settings and both defenses."""
        own = asdict(self) | {"shadow_pool": self.shadow.pool, "pool": self.target.pool}
        papers = asdict(Cell(self.shadow, self.target)) | {"shadow_pool": None, "pool": None}
        told = own.keys() - {"shadow", "target", "preset", "seed"}
        return {name: f"{own[name]}" for name in own if name in told and own[name] != papers[name]}

    @property
    def label(self) -> str:
        """All but the seed, for a reader: LILN difference, k 10."""
        return ", ".join([f"{self.code} {self.preset}", *(f"{a} {b}" for a, b in self.variation.items())])

    @property
    def split(self) -> DivisionSpec:
        """The three-way division of both datasets."""
        return DivisionSpec(division=self.division, seed=self.seed, min_interactions=self.min_interactions)

    def to_plain(self) -> dict[str, object]:
        """Give the whole spec as plain data."""
        return asdict(self)


def parse_code(code: str) -> tuple[Side, Side]:
    """Read the paper's notation: four letters, shadow first; two letters mean both.

    Raises BadInput, saying what the letters are, for anything else.
    """
    datasets = {letter: name for name, letter in LETTER_OF_DATASET.items()}
    algorithms = {letter: algorithm for algorithm, letter in LETTER_OF_ALGORITHM.items()}
    letters = code.upper()
    if len(letters) == 2:
        letters *= 2
    if len(letters) == 4 and {*letters[::2]} <= {*datasets} and {*letters[1::2]} <= {*algorithms}:
        shadow, target = (Side(datasets[two[0]], algorithms[two[1]]) for two in (letters[:2], letters[2:]))
        return shadow, target
    raise BadInput(
        f"{code!r} is not a cell: give shadow then target, each a dataset (A adm, L lastfm-2k, M ml-1m) and "
        "an algorithm (I item, L lfm, N ncf), such as LILN"
    )


def with_seed(cell: Cell, seed: int) -> Cell:
    """Repeat a cell with fresh coins, division and starts."""
    return replace(cell, seed=seed)
