"""Experiments as the attacker service says and understands them: grids of cells, runs and their figures."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from shared.attacks import AttackModelKind, AttackPreset, Factorization, RankWeights
from shared.contract.base import Fraction, JobProgress, JobState, Message, Moment
from shared.datasets.splits import Division
from shared.recommenders.base import Algorithm

Length = Annotated[int, Field(ge=1, le=100)]
Count = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Axis = Field(min_length=1, max_length=32)


class Axes(Message):
    """What a grid varies; every axis that is left out has the paper's value."""

    k: Annotated[tuple[Length, ...], Axis] = (100,)
    length: Annotated[tuple[Annotated[int, Field(ge=1, le=1_000)], ...], Axis] = (100,)
    weights: Annotated[tuple[RankWeights, ...], Axis] = (RankWeights.LINEAR,)
    model: Annotated[tuple[AttackModelKind, ...], Axis] = (AttackModelKind.MLP,)
    factorization: Annotated[tuple[Factorization | None, ...], Axis] = (None,)
    """How item vectors are learned; left out = as the preset does."""
    division: Annotated[tuple[Division, ...], Axis] = (Division.BY_INTERACTION,)
    known_history: Annotated[tuple[Count, ...], Axis] = (0,)
    """Interactions of each user that the attacker knows; 0 = all."""
    n_shadow_users: Annotated[tuple[Count, ...], Axis] = (0,)
    """0 = all."""
    pool: Annotated[tuple[Count, ...], Axis] = (0,)
    """Popularity Randomization of the target by a pool of so many items; 0 = undefended."""
    is_shadow_defended: Annotated[tuple[bool, ...], Axis] = (False,)
    """Whether the attacker's shadow is defended as the target is: an attacker who knows the defense."""
    is_rehearsal: Annotated[tuple[bool, ...], Axis] = (False,)
    """Whether the target is trained on the shadow part with another coin: what choices are made on."""


class GridSpec(Message):
    """A table or figure: what it shows and which cells it needs."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,60}$")
    title: str = Field(max_length=200)
    about: str = Field(max_length=2_000)
    kind: Literal["attack", "hit-rate", "collection"] = "attack"
    includes: tuple[str, ...] = Field(default=(), max_length=50)
    """For a collection: the grids it runs."""
    datasets: tuple[tuple[str, str], ...] = Field(default=(), max_length=81)
    """Pairs of shadow dataset and target dataset."""
    algorithms: Literal["all", "same"] = "all"
    """Every shadow algorithm against every target algorithm, or each against itself."""
    among: Annotated[tuple[Algorithm, ...], Axis] = (Algorithm.ITEM, Algorithm.LFM, Algorithm.NCF)
    """The algorithms of both sides."""
    hyperparameters: Annotated[tuple[Mapping[str, int | float | str | None], ...], Axis] = ({},)
    """Settings of the recommenders of both sides, one after the other; {} = the paper's."""
    presets: tuple[AttackPreset, ...] = Field(default=(AttackPreset.DIFFERENCE,), min_length=1, max_length=8)
    vary: Axes = Axes()
    x: str | None = None
    """The axis of `vary` that a plot shows."""
    is_published: bool = False
    """The paper gives these figures."""

    @model_validator(mode="after")
    def _is_whole(self) -> "GridSpec":
        if (self.kind == "collection") != bool(self.includes) or bool(self.includes) == bool(self.datasets):
            raise ValueError("a collection has `includes`, any other grid has `datasets`")
        if self.x is not None and self.x not in Axes.model_fields:
            raise ValueError(f"x must be one of {', '.join(Axes.model_fields)}")
        return self


class ExperimentSpec(Message):
    """An experiment: a grid that RecLeak ships, by name, or one of your own; and how often it is repeated."""

    grid: str | GridSpec
    """A name such as `table-3`, or a whole grid as in `experiments/*.toml` (no collection)."""
    seeds: int = Field(default=1, ge=1, le=100)
    """Repetitions, each with a division, coins and starts of its own."""
    first_seed: Seed = 0


class KindTally(Message):
    """How many jobs of a kind are done."""

    done: int
    total: int


class Experiment(Message):
    """An experiment and where it stands."""

    id: str
    name: str
    state: JobState
    progress: JobProgress
    spec: ExperimentSpec
    jobs: Mapping[str, KindTally]
    """By kind: recommender, item vectors, cell, control, hit rate. Empty until it is planned."""
    failures: Mapping[str, str]
    """Why, by what could not be made; the rest is not affected."""
    data_hashes: Mapping[str, str]
    """Name of the stored interactions, which is their content's, by dataset."""
    versions: Mapping[str, str]
    error: str | None
    created_at: Moment
    finished_at: Moment | None


class ExperimentList(Message):
    """All experiments, newest first."""

    experiments: tuple[Experiment, ...]


class ExperimentEvent(Message):
    """Something that happened to an experiment; ids only grow."""

    id: int
    at: Moment
    state: JobState
    progress: JobProgress
    failed: int
    """Jobs that failed so far."""


class MatrixCell(Message):
    """One shadow against one target, over the seeds that are done."""

    shadow: str
    """Dataset and algorithm, in the paper's letters where it has some."""
    target: str
    auc: Fraction
    """Mean area under the ROC curve."""
    balanced_accuracy: Fraction | None
    """Mean, at the attack's own threshold."""
    published: Fraction | None
    """What the paper calls AUC; its code computes balanced accuracy."""
    n_seeds: int


class Matrix(Message):
    """Shadow by target, for one preset and one setting of everything else."""

    preset: AttackPreset
    variation: Mapping[str, str]
    """What differs from the paper, by name; empty for its own setting."""
    shadows: tuple[str, ...]
    targets: tuple[str, ...]
    cells: tuple[MatrixCell, ...]
    """Only what is done."""


class Matrices(Message):
    """All figures of an experiment that are there so far, as matrices."""

    matrices: tuple[Matrix, ...]
