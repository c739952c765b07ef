"""What the attacker service says and understands."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AnyHttpUrl, Field

from shared.attacks import AttackPreset, RankWeights
from shared.contract.base import Fraction, ItemId, JobProgress, JobState, Message, Moment, UserId
from shared.contract.recommender import RecommenderChoice
from shared.datasets.splits import DivisionSpec

KeyName = Annotated[str, Field(pattern=r"^RECLEAK_[A-Z0-9_]+$")]
"""The name of an environment variable of the attacker service; keys themselves are never sent or stored."""


class QueryMode(StrEnum):
    """Which route of the target is asked."""

    BATCH = "batch"
    SINGLE = "single"
    """One GET per user, as a stranger's API would need."""


class QuerySettings(Message):
    """How the target is asked."""

    mode: QueryMode = QueryMode.BATCH
    batch_size: int = Field(default=500, ge=1, le=1_000)
    """Users per stored chunk; in batch mode also users per request."""
    concurrency: int = Field(default=16, ge=1, le=256)
    """Requests under way at once."""
    timeout_s: float = Field(default=30, gt=0, le=600)
    """For one request."""
    retries: int = Field(default=5, ge=0, le=20)
    """Further tries after 429, 502, 503, 504 or a broken connection, with growing pauses."""


class TargetAddress(Message):
    """The recommender under attack."""

    url: AnyHttpUrl
    """Its base address, such as http://127.0.0.1:8001 ."""
    deployment: str | None = None
    """A deployment's id; None = the active one."""
    key_env: KeyName | None = None
    """Environment variable, of the attacker service, that holds the target's API key, if it wants one."""
    query: QuerySettings = QuerySettings()


class DatasetUsers(Message):
    """Judge the users of one part of a public dataset; their histories come from our own copy."""

    source: Literal["dataset"] = "dataset"
    dataset: str = "synthetic"
    limit: int | None = Field(default=None, ge=2)
    """Only so many users, drawn by the attack's seed; None = all."""


class ProfileUsers(Message):
    """Judge the users whose public profile the target shows (`/v1/users`, `/v1/users/{id}/history`)."""

    source: Literal["target"]
    limit: int | None = Field(default=None, ge=2)


class InlineUsers(Message):
    """Judge these users."""

    source: Literal["inline"]
    histories: Mapping[UserId, tuple[ItemId, ...]] = Field(min_length=1)


JudgedUsers = Annotated[DatasetUsers | ProfileUsers | InlineUsers, Field(discriminator="source")]


class ShadowSettings(RecommenderChoice):
    """The recommender that the attacker trains, on its dataset's `shadow` part, to have labelled examples."""


class FeatureSettings(Message):
    """How a user becomes a vector."""

    length: int = Field(default=100, ge=1, le=1_000)
    """l, the length of item vectors."""
    weights: RankWeights = RankWeights.LINEAR


class Evaluation(Message):
    """Let the referee compare the sealed scores with the target's oracle."""

    oracle_url: AnyHttpUrl | None = None
    """None = the target's own address."""
    key_env: KeyName = "RECLEAK_ORACLE_KEY"
    """Environment variable, of the attacker service, that holds the oracle's key."""


class AttackSpec(Message):
    """One attack, whole: what to attack, what the attacker knows, how it attacks."""

    target: TargetAddress
    users: JudgedUsers = DatasetUsers()
    shadow: ShadowSettings = ShadowSettings()
    item_features: str | None = None
    """Dataset whose `item features` part gives the vectors of the target's items.

    None = the dataset of the judged users, or the shadow's if they come from elsewhere.
    """
    split: DivisionSpec = DivisionSpec()
    """The public three-way division of the datasets named above."""
    attack: AttackPreset = AttackPreset.DIFFERENCE
    features: FeatureSettings = FeatureSettings()
    k: int = Field(default=100, ge=1, le=1_000)
    """List length asked for."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    evaluate: Evaluation | None = None
    """None = predictions only."""


class Stage(StrEnum):
    """The stages of an attack, each stored before the next begins."""

    QUERY = "query"
    ITEM_VECTORS = "item vectors"
    SHADOW = "shadow"
    FEATURES = "features"
    TRAIN = "train"
    SCORE = "score"
    EVALUATE = "evaluate"


class TprAtFpr(Message):
    """How many members are found when at most this share of the others is accused."""

    fpr: Fraction
    tpr: Fraction
    interval: tuple[Fraction, Fraction]
    """95 % Clopper-Pearson interval of the TPR."""
    is_resolved: bool
    """False when the sample is too small for this FPR: no non-member at all may then be accused."""


class Figures(Message):
    """How well one score separates members from the others; members are positive, larger = member."""

    auc: Fraction
    """Area under the ROC curve; ties count half."""
    auc_interval: tuple[Fraction, Fraction]
    """95 % interval: DeLong on the logit scale."""
    balanced_accuracy: Fraction | None
    """(TPR + 1 - FPR) / 2 at the attack's own threshold; None where the score has none."""
    tpr_at_fpr: tuple[TprAtFpr, ...]
    smallest_fpr: Fraction
    """The smallest FPR above 0 that this sample can resolve: 1 / non-members."""
    members: int
    non_members: int


class ShuffledLabels(Message):
    """The negative control: the same scores judged by shuffled labels, many times."""

    mean_auc: Fraction
    interval: tuple[Fraction, Fraction]
    """Central 95 % of the AUCs; it must contain 0.5."""
    n_shuffles: int
    p_value: Fraction
    """Share of shuffles, plus one, that reach the attack's distance from 0.5."""


class Controls(Message):
    """What the attack gives where the answer is known."""

    shuffled_labels: ShuffledLabels
    built_to_leak: Figures
    """The same attack against a recommender of our own that hands members' histories back to them."""


class Coverage(Message):
    """How much of the world the attacker's item vectors cover; items outside have zero vectors."""

    catalogue: Fraction
    """Share of the items of the attacker's catalogue."""
    histories: Fraction
    """Share of the judged users' interactions."""
    lists: Fraction
    """Share of the items in the answers."""
    unknown_items: int
    """Places in answers that name an item which the attacker's catalogue does not have."""


class Curve(Message):
    """Points of the ROC curve, from (0, 0) to (1, 1)."""

    fpr: tuple[Fraction, ...]
    tpr: tuple[Fraction, ...]


class Judgement(Message):
    """All figures of one attack."""

    attack: AttackPreset
    split: str
    """by-interaction (the same person can be in shadow and target) or by-user."""
    figures: Figures
    baselines: Mapping[str, Figures]
    """By name; each is described in the catalogue."""
    controls: Controls
    coverage: Coverage
    unlabelled: int = Field(default=0, ge=0)
    """Judged users whom the oracle does not know: they have a score, and no part in any figure."""
    curve: Curve
    scores_hash: str
    """Seal of the scores, stored before any label was asked for."""


class QueryAccount(Message):
    """What the attack asked of the target."""

    lists: int
    """Lists received and stored."""
    requests: int
    """Requests sent, repeats included."""
    repeats: int
    """Requests sent again after a 429, a 5xx or a broken connection."""
    seconds: float


class Attack(Message):
    """An attack and where it stands."""

    id: str
    state: JobState
    stage: Stage | None
    """The stage under way or next; None when done."""
    progress: JobProgress
    spec: AttackSpec
    deployment: str | None = None
    """The target's deployment that gave the lists; None = no list yet, or the target does not say which."""
    queries: QueryAccount
    judgement: Judgement | None
    """None until evaluated, or if no evaluation was asked for."""
    timings: Mapping[str, float]
    """Seconds per finished stage."""
    versions: Mapping[str, str]
    data_hashes: Mapping[str, str]
    error: str | None
    created_at: Moment
    finished_at: Moment | None


class AttackList(Message):
    """All attacks, newest first."""

    attacks: tuple[Attack, ...]


class AttackEvent(Message):
    """Something that happened to an attack; ids only grow."""

    id: int
    at: Moment
    state: JobState
    stage: Stage | None
    progress: JobProgress


class Prediction(Message):
    """What the attack says of one user."""

    user_id: UserId
    score: float
    """Larger = more likely a member."""
    is_member: bool
    """By the attack's own threshold."""


class PredictionPage(Message):
    """Predictions ordered as the users were judged."""

    predictions: tuple[Prediction, ...]
    next_cursor: str | None


class Parameter(Message):
    """A setting and its default."""

    name: str
    default: str
    description: str


class CatalogueEntry(Message):
    """Something that a spec can name."""

    name: str
    description: str
    source: str
    """Paper or official page; empty for our own."""
    knowledge: str = ""
    """What whoever uses it must know (the threat model)."""
    parameters: tuple[Parameter, ...] = ()


class Catalogue(Message):
    """Everything that a spec can name."""

    attacks: tuple[CatalogueEntry, ...]
    baselines: tuple[CatalogueEntry, ...]
    algorithms: tuple[CatalogueEntry, ...]
    datasets: tuple[CatalogueEntry, ...]
