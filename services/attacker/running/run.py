"""One attack from its first stage to its last."""

import logging
import time
from collections.abc import Mapping

from services.attacker import store
from services.attacker.attack.registry import PRESETS
from services.attacker.evidence import AttackPlan
from services.attacker.running import referee, stages
from services.attacker.running.public_data import worlds_of
from services.attacker.running.querying import ask_for_lists, find_judged_users
from services.attacker.running.recorder import Step
from services.attacker.running.stages import Inputs, Learned, Worlds
from services.attacker.running.stepping import Steps
from services.attacker.worlds import PublicData, ShadowPlan
from shared.contract.attacker import AttackSpec, Evaluation

_log = logging.getLogger(__name__)


def run_attack(spec: AttackSpec, steps: Steps) -> str:
    """Run all stages that are not stored yet, and say in words how it went.

    Raises JobStopped if asked to stop, and whatever RecLeakError a stage raises.
    """
    worlds = worlds_of(spec, steps.resources.data_dir)
    hashes = find_judged_users(steps, spec, worlds)
    ask_for_lists(steps, spec)
    items = _learn_items(steps, spec, hashes["item features"], Step.ITEM_VECTORS, worlds.items)
    shadow_items = items
    if hashes["shadow item features"] != hashes["item features"]:
        shadow_items = _learn_items(
            steps, spec, hashes["shadow item features"], Step.SHADOW_ITEM_VECTORS, worlds.shadow
        )
    shadow = _build_shadow(steps, spec, hashes["shadow"], worlds)
    scores, learned = _attack(steps, spec, Inputs(steps.judged, steps.answers, items, shadow, shadow_items))
    if spec.evaluate is None:
        return "done; nobody was asked to judge the scores"
    return _evaluate(steps, spec, spec.evaluate, scores, learned)


def _learn_items(steps: Steps, spec: AttackSpec, content_hash: str, step: Step, data: PublicData) -> str:
    settings = stages.VectorSettings(
        length=spec.features.length, factorization=PRESETS[spec.attack].factorization, seed=spec.seed
    )
    name = steps.name("item-vectors", data=content_hash, **vars(settings))
    steps.make(step, name, stages.learn, name, data, settings)
    return name


def _build_shadow(steps: Steps, spec: AttackSpec, content_hash: str, worlds: Worlds) -> str:
    plan = ShadowPlan(
        data=worlds.shadow,
        algorithm=spec.shadow.algorithm,
        hyperparameters=spec.shadow.hyperparameters,
        cold_start=spec.shadow.cold_start,
        k=spec.k,
        seed=spec.seed,
    )
    name = steps.name(
        "shadow",
        data=content_hash,
        algorithm=plan.algorithm.value,
        hyperparameters=dict(plan.hyperparameters),
        cold_start=plan.cold_start.value,
        k=plan.k,
        seed=plan.seed,
    )
    steps.make(Step.SHADOW, name, stages.build, name, plan)
    return name


def _attack(steps: Steps, spec: AttackSpec, inputs: Inputs) -> tuple[str, Learned]:
    """Features, model, scores; the scores and their seal are stored before anybody asks for the truth."""
    plan = AttackPlan(spec.attack, spec.features.weights, spec.seed)
    sources: Mapping[str, str] = vars(inputs)
    features = steps.name("features", **sources, weights=plan.weights.value)
    model = steps.name("model", features=features, preset=plan.preset.value, seed=plan.seed)
    scores = steps.name("scores", model=model)
    learned = Learned(features, model)
    steps.make(Step.FEATURES, features, stages.describe, features, inputs, plan)
    steps.make(Step.TRAIN, model, stages.fit, learned, inputs, plan)
    if not steps.is_done(Step.SCORE, scores):
        started = steps.begin(Step.SCORE, scores)
        seal = steps.work(stages.score_all, scores, learned, inputs, plan)
        steps.recorder.finish(Step.SCORE, time.monotonic() - started, seal=seal)
    return scores, learned


def _evaluate(steps: Steps, spec: AttackSpec, evaluation: Evaluation, scores: str, learned: Learned) -> str:
    started = steps.begin(Step.EVALUATE, None)
    with steps.resources.database.read() as session:
        seal = store.attack(session, steps.attack_id).seal
    assert seal is not None  # stored with the scores
    referee.sealed_evidence(steps.artifacts, scores, seal)
    user_ids = steps.user_ids()
    truth = referee.ask_truth(
        spec,
        evaluation,
        user_ids,
        pinned=steps.pinned_deployment(),
        keys=steps.resources.keys,
        stops=steps.stops,
    )
    labels = referee.label(user_ids, truth)
    case = referee.Case(
        scores=scores,
        seal=seal,
        preset=spec.attack,
        split=spec.split,
        covered=stages.coverage_of(steps.artifacts, learned.features),
        seed=spec.seed,
    )
    judgement = steps.work(referee.judge_sealed, case, labels)
    steps.recorder.finish(Step.EVALUATE, time.monotonic() - started, judgement=judgement)
    note = f"done; judged by {len(labels.rows):,} of {len(user_ids):,} users of {truth.deployment}"
    _log.info("attack %s: %s", steps.attack_id, note)
    return note
