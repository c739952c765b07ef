"""What the demo does, as two specs."""

from dataclasses import dataclass
from pathlib import Path

from shared.attacks import AttackPreset
from shared.contract.attacker import (
    AttackSpec,
    DatasetUsers,
    Evaluation,
    QueryMode,
    QuerySettings,
    ShadowSettings,
    TargetAddress,
)
from shared.contract.target import DeploymentSpec
from shared.datasets.splits import DivisionSpec
from shared.randomness import seed_for
from shared.recommenders.base import Algorithm
from shared.recommenders.served import ColdStart

_K_CAP_MIN = 100  # HR@100 is what the paper reports


@dataclass(frozen=True)
class DemoOptions:
    """What can be asked of the demo; see `recleak demo --help`."""

    dataset: str = "synthetic"
    target_algorithm: Algorithm = Algorithm.ITEM
    cold_start: ColdStart = ColdStart.POPULAR
    """What the target's non-members get, and the shadow's."""
    shadow_algorithm: Algorithm | None = None
    """None = the target's."""
    shadow_dataset: str | None = None
    """None = the target's."""
    attack: AttackPreset = AttackPreset.DIFFERENCE
    k: int = 100
    data_dir: Path | None = None
    seed: int = 0
    mode: QueryMode = QueryMode.BATCH


def deployment_spec(options: DemoOptions) -> DeploymentSpec:
    """Say what the target deploys; its membership follows from the seed, so that a run can be repeated."""
    return DeploymentSpec(
        dataset=options.dataset,
        algorithm=options.target_algorithm,
        cold_start=options.cold_start,
        split=DivisionSpec(seed=options.seed),
        k_cap=max(options.k, _K_CAP_MIN),
        seed=seed_for(options.seed, "demo", "target"),
        membership_seed=seed_for(options.seed, "demo", "membership"),
    )


def attack_spec(
    options: DemoOptions, deployed: DeploymentSpec, *, target_url: str, deployment: str
) -> AttackSpec:
    """Say what the attacker does to a deployment: it judges all users of the same public part."""
    return AttackSpec(
        target=TargetAddress.model_validate(
            {"url": target_url, "deployment": deployment, "query": QuerySettings(mode=options.mode)}
        ),
        users=DatasetUsers(dataset=deployed.dataset),
        shadow=ShadowSettings(
            dataset=options.shadow_dataset or deployed.dataset,
            algorithm=options.shadow_algorithm or deployed.algorithm,
            cold_start=deployed.cold_start,
        ),
        split=deployed.split,
        attack=options.attack,
        k=options.k,
        seed=options.seed,
        evaluate=Evaluation(),
    )
