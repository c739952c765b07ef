"""Contract models as Rich tables."""

from collections.abc import Iterable, Iterator

from rich.box import SIMPLE_HEAD
from rich.table import Table

from shared.contract.attacker import Attack, Figures, Judgement, ShuffledLabels, TprAtFpr
from shared.contract.target import Deployment, QualityState

UNRESOLVED = "*"
NOTHING = "–"
_WITHOUT_QUALITY = {
    QualityState.OFF: "not measured, as the target was told (RECLEAK_TARGET_MEASURE_QUALITY)",
    QualityState.PENDING: "not measured yet",
}


def judgement_table(judgement: Judgement) -> Table:
    """All figures of an attack: the attack itself, then the baselines, then the controls."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("AUC [95%]", no_wrap=True)
    table.add_column("balanced\naccuracy", justify="right", no_wrap=True)
    for point in judgement.figures.tpr_at_fpr:  # two lines: all of it fits into 80 columns
        table.add_column(f"TPR at\n{_percent(point.fpr)} FPR", justify="right", no_wrap=True)
    _add_group(table, "attack", [(f"[bold]{judgement.attack}[/bold]", judgement.figures)])
    _add_group(table, "baselines", judgement.baselines.items())
    controls = judgement.controls
    _add_group(table, "controls", [("built to leak", controls.built_to_leak)])
    blanks = [NOTHING] * (1 + len(judgement.figures.tpr_at_fpr))
    table.add_row("  shuffled labels", _auc_of_shuffles(controls.shuffled_labels), *blanks)
    return table


def unresolved_note(judgement: Judgement) -> str | None:
    """Explain the mark of unresolved figures; None if there are none."""
    figures = judgement.figures
    rows = [figures, judgement.controls.built_to_leak, *judgement.baselines.values()]
    if all(point.is_resolved for row in rows for point in row.tpr_at_fpr):
        return None
    return (
        f"{UNRESOLVED} not resolved, TPR at FPR 0 instead: too few non-members (of the attack, "
        f"{figures.non_members:,} allow no FPR between 0 and {_percent(figures.smallest_fpr)})"
    )


def unlabelled_note(judgement: Judgement) -> str | None:
    """Say how many users have no part in the figures; None if all have."""
    if judgement.unlabelled == 0:
        return None
    return f"in no figure, because the oracle does not know them: {judgement.unlabelled:,} users"


def attacks_table(attacks: Iterable[Attack]) -> Table:
    """One line per attack."""
    table = _table("id", "state", "done", "attack", "users", "shadow", "AUC", "created")
    for one in attacks:
        users = one.spec.users
        auc = NOTHING if one.judgement is None else f"{one.judgement.figures.auc:.3f}"
        table.add_row(
            one.id,
            one.state,
            f"{one.progress.fraction:.0%}",
            one.spec.attack,
            users.dataset if users.source == "dataset" else users.source,
            f"{one.spec.shadow.algorithm} on {one.spec.shadow.dataset}",
            auc,
            f"{one.created_at:%Y-%m-%d %H:%M}",
        )
    return table


def deployments_table(deployments: Iterable[Deployment]) -> Table:
    """One line per deployment."""
    table = _table("id", "state", "done", "active", "dataset", "algorithm", "members", "HR@k", "created")
    for one in deployments:
        table.add_row(
            one.id,
            one.state,
            f"{one.progress.fraction:.0%}",
            "yes" if one.is_active else "",
            one.spec.dataset,
            one.spec.algorithm,
            NOTHING if one.size is None else f"{one.size.members:,}",
            NOTHING if one.hr_at_k is None else f"{one.hr_at_k.members:.3f}",
            f"{one.created_at:%Y-%m-%d %H:%M}",
        )
    return table


def pairs_table(pairs: Iterable[tuple[str, str]]) -> Table:
    """Names and values."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(name, value)
    return table


def deployment_pairs(deployment: Deployment) -> Iterator[tuple[str, str]]:
    """What there is to say about a deployment."""
    yield "deployment", deployment.id
    yield "state", f"{deployment.state}{', active' if deployment.is_active else ''}"
    yield "progress", f"{deployment.progress.fraction:.0%}, {deployment.progress.note}"
    spec = deployment.spec
    yield "recommender", f"{spec.algorithm} on {spec.dataset}, strangers get: {spec.cold_start}"
    if (size := deployment.size) is not None:
        yield "users", f"{size.members:,} members, {size.non_members:,} non-members"
        yield "items", f"{size.items:,}, trained on {size.interactions:,} interactions"
    if deployment.hr_at_k is not None:
        yield hit_rate_pair(deployment)
    if deployment.error is not None:
        yield "error", deployment.error


def hit_rate_pair(deployment: Deployment) -> tuple[str, str]:
    """How good the recommender is."""
    hits = deployment.hr_at_k
    if hits is None:
        return "HR@k", _WITHOUT_QUALITY.get(deployment.quality, f"not measured ({deployment.progress.note})")
    low, high = hits.members_interval
    members = f"{hits.members:.3f} [{low:.3f}, {high:.3f}]"
    compared = f"for members; the popularity list gives them {hits.popularity:.3f}"
    if low <= hits.popularity:
        compared = f"for members, not clearly better than the popularity list's {hits.popularity:.3f}"
    return f"HR@{hits.k}", f"{members} {compared}"


def attack_pairs(attack: Attack) -> Iterator[tuple[str, str]]:
    """What there is to say about an attack, its figures left out."""
    yield "attack", f"{attack.id}, {attack.spec.attack}"
    stage = f", {attack.stage}" if attack.stage else ""
    yield "state", f"{attack.state}{stage}, {attack.progress.fraction:.0%}: {attack.progress.note}"
    yield "target", f"{attack.spec.target.url} ({attack.spec.target.deployment or 'active deployment'})"
    yield "shadow", f"{attack.spec.shadow.algorithm} on {attack.spec.shadow.dataset}"
    account = attack.queries
    yield "asked", f"{account.lists:,} lists, {account.requests:,} requests, {account.seconds:.1f} s"
    if attack.timings:
        yield "seconds", ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in attack.timings.items())
    if attack.error is not None:
        yield "error", attack.error


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, no_wrap=column == "id", overflow="fold")
    return table


def _add_group(table: Table, name: str, rows: Iterable[tuple[str, Figures]]) -> None:
    table.add_row(f"[dim]{name}[/dim]")
    for row, figures in rows:
        table.add_row(f"  {row}", *_cells(figures))


def _cells(figures: Figures) -> list[str]:
    low, high = figures.auc_interval
    accuracy = figures.balanced_accuracy
    return [
        f"{figures.auc:.3f} [{low:.3f}, {high:.3f}]",
        NOTHING if accuracy is None else f"{accuracy:.3f}",
        *map(_tpr, figures.tpr_at_fpr),
    ]


def _tpr(point: TprAtFpr) -> str:
    return f"{point.tpr:.3f}{' ' if point.is_resolved else UNRESOLVED}"


def _auc_of_shuffles(control: ShuffledLabels) -> str:
    low, high = control.interval
    return f"{control.mean_auc:.3f} [{low:.3f}, {high:.3f}]"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2g}%"
