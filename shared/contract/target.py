"""What the target service says and understands."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field

from shared.contract.base import ItemId, JobProgress, JobState, Message, Moment, UserId
from shared.contract.recommender import RecommenderChoice
from shared.datasets.splits import DivisionSpec

BATCH_MAX = 1_000
"""The most users that one batch request may name."""

HISTORY_MAX = 10_000
"""The most items that a history in a request may have."""

DEPLOYMENT_HEADER = "X-Deployment"
"""Header of every answer with lists: the id of the deployment that gave them."""


class Recommendations(Message):
    """One user's list, best first; no scores."""

    user_id: UserId
    items: tuple[ItemId, ...]


class BatchRequest(Message):
    """Ask for the lists of many users at once."""

    user_ids: tuple[UserId, ...] = Field(min_length=1, max_length=BATCH_MAX)
    k: int = Field(default=100, ge=1)


class BatchEntry(Message):
    """One answer within a batch."""

    user_id: UserId
    items: tuple[ItemId, ...] | None
    """None where the single route would answer 404."""


class BatchAnswer(Message):
    """The lists in the order asked for."""

    recommendations: tuple[BatchEntry, ...]


class HistoryRequest(Message):
    """Ask for the list of somebody of whom only the history is known."""

    items: tuple[ItemId, ...] = Field(min_length=1, max_length=HISTORY_MAX)
    k: int = Field(default=100, ge=1)


class HistoryAnswer(Message):
    """The list for a history, best first, without the history; no scores."""

    items: tuple[ItemId, ...]


class ItemPage(Message):
    """A page of the catalogue."""

    items: tuple[ItemId, ...]
    next_cursor: str | None


class PopularItems(Message):
    """The most popular items among the members' interactions, best first."""

    items: tuple[ItemId, ...]


class UserPage(Message):
    """A page of the users with a public profile: members and others alike, ordered by id."""

    users: tuple[UserId, ...]
    next_cursor: str | None


class History(Message):
    """A user's public profile."""

    user_id: UserId
    items: tuple[ItemId, ...]


class DeploymentSpec(RecommenderChoice):
    """What to train and how to serve it."""

    split: DivisionSpec = DivisionSpec()
    """The public three-way division; the target serves its `target` part."""
    k_cap: int = Field(default=100, ge=1, le=1_000)
    """The longest list that can be asked for."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Seed of the training, not of the membership."""
    membership_seed: int | None = Field(default=None, ge=0, lt=2**63)
    """Seed of the coin that makes members; drawn fresh and kept secret if not given. Never shown again."""
    answers_histories: bool = False
    """Answer POST /v1/recommendations: lists from histories that a request brings along. Keeps the model in
    memory."""
    activate: bool = True
    """Make it the active deployment (`/v1/...`) as soon as it is ready."""


class HitRateAtK(Message):
    """HR@k by leave-one-out over the full ranking: see `shared.recommenders.quality`."""

    k: int
    members: float
    """For members, by the deployed algorithm."""
    members_interval: tuple[float, float]
    """95 % Wilson interval."""
    popularity: float
    """For the same members, if all were given the popularity list."""
    n_users: int


class QualityState(StrEnum):
    """Whether HR@k of a deployment is known, or will be."""

    PENDING = "pending"
    """It is measured as soon as the deployment is ready."""
    MEASURED = "measured"
    OFF = "off"
    """The service was told not to measure."""
    FAILED = "failed"
    """It could not be measured, or there is nothing to measure; the note or the error says why."""


class DeploymentSize(Message):
    """What a deployment holds."""

    users: int
    members: int
    non_members: int
    left_out: int
    """Users set aside to make members and non-members equally many (0 or 1)."""
    items: int
    interactions: int
    """Interactions that the recommender was trained on."""


class Deployment(Message):
    """A recommender of the target service and where its training stands; admins only."""

    id: str
    state: JobState
    progress: JobProgress
    is_active: bool
    spec: DeploymentSpec
    """As submitted, without the membership seed."""
    size: DeploymentSize | None
    """None until the data is loaded."""
    quality: QualityState
    """Whether `hr_at_k` is there, or whether to wait for it."""
    hr_at_k: HitRateAtK | None
    """None until measured: it is measured after the deployment is ready, on a retrained copy."""
    error: str | None
    created_at: Moment
    finished_at: Moment | None


class DeploymentList(Message):
    """All deployments, newest first."""

    deployments: tuple[Deployment, ...]


class QueryCounts(Message):
    """What a defender sees of the queries for lists."""

    deployment: str
    total: int
    """Lists handed out."""
    distinct_users: int
    """Different user ids asked for, and different histories asked with."""
    repeated: int
    """Lists handed out for a user id that had been asked for before by the same client at the same k."""
    by_client: Mapping[str, int]
    """Lists per client: a key's fingerprint or an address, or "others" for all that came after very many."""


class MembershipQuestion(Message):
    """Ask the oracle."""

    user_ids: tuple[UserId, ...] = Field(min_length=1, max_length=1_000_000)
    deployment: str | None = None
    """None = the active one."""


class MembershipAnswer(Message):
    """The truth about those of the users whom the deployment knows, in the order asked for."""

    deployment: str
    user_ids: tuple[UserId, ...]
    is_member: tuple[bool, ...]
    unknown: tuple[UserId, ...]
    """Those it does not know, in the order asked for: strangers, and who was set aside."""
