"""Tables of a run: hit rates, baselines and controls, coverage, runtime, failures, glossary."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from markupsafe import Markup

from services.attacker.experiments.report.markup import figure, table, tag
from services.attacker.experiments.report.selection import Spread, by, scope, seeds_told, spread
from services.attacker.experiments.report.wording import (
    NOTHING,
    PERCENT,
    count,
    counts,
    division_name,
    number,
    percent,
    plural,
    seeds,
    side_name,
    span,
)

BASELINES: Mapping[str, str] = {
    "baseline_random_guess_auc": "random guess",
    "baseline_list_form_auc": "list form",
    "baseline_identical_lists_auc": "identical lists",
    "baseline_popular_overlap_auc": "popular overlap",
    "baseline_history_only_auc": "history only",
}
_GLOSSARY: Mapping[str, str] = {
    "member": "a user whose interactions the target was trained on; the others are strangers to it.",
    "target, shadow": "the recommender under attack; the one that the attacker trains to have labeled "
    "examples.",
    "cell": "one shadow against one target. AIMN: shadow A (ADM) by I (Item), target M (ml-1m) by N (NCF); "
    "L is lf-2k as a dataset and LFM as an algorithm.",
    "assumption I, II, III": "the attacker knows data distribution and algorithm; the distribution alone; "
    "neither.",
    "ROC AUC": "the chance that a member has a larger score than another user, ties counting half; 0.5 is "
    "chance, and 0.0 is perfect separation read the wrong way round.",
    "balanced accuracy": "(TPR + 1 - FPR) / 2 of the attack's yes or no, at the attack's own threshold.",
    "TPR, FPR": "the share of members called members; the share of others called members.",
    "ccs21": "the attack as the text of Zhang et al. (CCS 2021) gives it.",
    "ccs21-code": "the same as its published loop trains: one user at a time in the order of the file, "
    "softmax twice, momentum 0.9.",
    "difference": "the same features and network, trained sanely; see the code for all departures.",
    "random guess": "a number drawn by chance.",
    "list form": "the length of the answer alone.",
    "identical lists": "how many users were given exactly the same list; needs no shadow, no vectors and "
    "no training.",
    "popular overlap": "how much of the list is among the most popular items of other data.",
    "history only": "logistic regression on the history, without any answer; far from 0.5 it would mean "
    "that members differ from others before any recommender.",
    "positive control": "the same attack against a recommender built to leak; it must come near 1.",
    "negative control": "the attack's scores judged by shuffled labels; the interval must contain 0.5.",
    "by interaction, by user": "the division into shadow, target and item features: pair by pair, so that "
    "the same person can be in all three; or person by person, so that nobody is in two.",
    "Popularity Randomization": "the paper's defense: strangers get 100 items drawn from a pool of popular "
    "ones.",
    "HR@100": "the share of members whose held-out item is among the best hundred; one interaction held "
    "out, or a fifth of them (any of them found is a hit).",
}


def hit_rate_table(qualities: pd.DataFrame) -> Markup:
    """Tabulate HR@100 by both protocols beside popularity and the published figures."""
    if qualities.empty:
        return tag("p", "No hit rate was measured.", class_="nothing")
    head = [
        "recommender", "part", "published", "a fifth held out", "popularity", "one held out", "popularity",
        "users",
    ]  # fmt: skip
    lines = []
    for (dataset, algorithm, settings, part), rows in by(
        qualities, "dataset", "algorithm", "settings", "part"
    ):
        published = pd.to_numeric(rows["published"]).dropna()
        cells = [
            _rate(rows, f"{who}_{held}_out") for held in ("fifth", "one") for who in ("model", "popularity")
        ]
        told = number(float(published.iloc[0])) if len(published) else NOTHING
        name = side_name(dataset, algorithm) + (f", {settings}" if isinstance(settings, str) else "")
        lines.append([name, part, told, *cells, counts(rows["n_users"])])
    ends = seeds_told(qualities, f"with the 95{PERCENT} Wilson interval over users")
    caption = (
        f"HR@{count(qualities['k'].iloc[0])}, the whole catalogue ranked, {ends}. The paper does not say "
        "what it held out, so both protocols stand here; popularity was measured on the same users and "
        f"held-out items. Only members of a part are counted; {seeds(qualities['seed'])}."
    )
    return figure(caption, table(head, lines, n_row_heads=2))


def _rate(rows: pd.DataFrame, name: str) -> str:
    found = spread(rows[name])
    if found is None:
        return NOTHING
    ends = found.ends if found.n > 1 else span(rows[f"{name}_low"].iloc[0], rows[f"{name}_high"].iloc[0])
    return Markup("{} ").format(number(found.mean)) + tag("span", f"({ends})", class_="ends")


def control_table(rows: pd.DataFrame) -> Markup:
    """Tabulate each attack beside the trivial baselines and the controls."""
    head = [
        "target",
        "division",
        "attack",
        "ROC AUC",
        *BASELINES.values(),
        "positive control",
        "negative control",
    ]
    lines = []
    for (dataset, algorithm, division, preset), group in by(
        rows, "target_dataset", "target_algorithm", "division", "preset"
    ):
        attack, control = (_figure(spread(group[name])) for name in ("auc", "control_auc"))
        blind = [_mean(spread(group[name])) for name in BASELINES]
        null = span(float(group["null_low"].min()), float(group["null_high"].max()))
        lines.append(
            [side_name(dataset, algorithm), division_name(division), preset, attack, *blind, control, null]
        )
    several = rows["seed"].nunique() > 1
    caption = (
        "ROC AUC of the attack, of the trivial baselines for the same users, and of the controls; "
        f"assumption I; {seeds_told(rows, 'one seed')}{'; of the baselines the mean' if several else ''}. "
        f"The negative control is the central 95{PERCENT} of the ROC AUC under shuffled "
        f"labels{', from the lowest to the highest of all seeds' if several else ''}. {scope(rows)}"
    )
    return figure(caption, table(head, lines, n_row_heads=3))


def _mean(found: Spread | None) -> str:
    return number(found.mean if found else None)


def _figure(found: Spread | None) -> str:
    if found is None:
        return NOTHING
    if found.n < 2 or number(found.low) == number(found.high):
        return number(found.mean)
    return Markup("{} ").format(number(found.mean)) + tag("span", f"({found.ends})", class_="ends")


def coverage_table(rows: pd.DataFrame) -> Markup:
    """Tabulate how much of the target's world the item vectors cover."""
    head = ["target", "preset", "catalogue", "interactions known", "places of lists", "unknown items"]
    names = ("coverage_catalogue", "coverage_histories", "coverage_lists")
    lines = []
    for (dataset, algorithm), target in by(rows, "target_dataset", "target_algorithm"):
        presets: dict[tuple[str, ...], list[str]] = {}
        for (preset,), group in by(target, "preset"):
            found = [spread(group[name]) for name in names]
            shares = tuple(percent(one.mean) if one else NOTHING for one in found)
            presets.setdefault((*shares, counts(group["coverage_unknown_items"])), []).append(str(preset))
        lines += [[side_name(dataset, algorithm), ", ".join(of), *shown] for shown, of in presets.items()]
    caption = (
        "Share of what the judged users' features are made of that has an item vector; items that the "
        "item-feature part does not cover have zero vectors. Unknown items: places of lists with an item "
        f"that is in no data of the attacker. Mean over seeds. {scope(rows)}"
    )
    return figure(caption, table(head, lines, n_row_heads=2))


def runtime_table(times: pd.DataFrame) -> Markup:
    """Tabulate the seconds of each kind of job."""
    if times.empty:
        return tag("p", "No times were recorded.", class_="nothing")
    lines = []
    for (kind,), rows in by(times, "kind"):
        seconds = rows["seconds"].dropna()
        if seconds.empty:
            lines.append([str(kind), count(len(rows)), NOTHING, NOTHING, NOTHING, NOTHING])
            continue
        figures = [f"{value:,.1f}" for value in (seconds.sum(), seconds.median(), seconds.max())]
        longest = str(rows["job"].iloc[int(np.nanargmax(rows["seconds"].to_numpy(dtype=float)))])
        lines.append([str(kind), count(len(rows)), *figures, longest])
    unknown = int(times["seconds"].isna().sum())
    left_out = f" {plural(unknown, 'job')} recorded no time." if unknown else ""
    caption = (
        "Seconds in one process by kind of job; jobs run side by side, so the sum is more than what passed "
        f"on a clock, and stored results of an earlier run keep the time they took then.{left_out}"
    )
    return figure(caption, table(["kind", "jobs", "sum, s", "median, s", "longest, s", "the longest"], lines))


def failure_table(failures: Mapping[str, str]) -> Markup:
    """List what failed, with its error."""
    return table(["job", "error"], failures.items())


def glossary() -> Markup:
    """Say what the words mean."""
    return tag("dl", *(tag("div", tag("dt", word), tag("dd", told)) for word, told in _GLOSSARY.items()))
