"""How numbers and names are written, the same everywhere."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

NOTHING = "\N{EN DASH}"
PERCENT = "\N{NO-BREAK SPACE}%"
DATASETS: Mapping[str, str] = {"adm": "ADM", "lastfm-2k": "lf-2k", "ml-1m": "ml-1m"}
ALGORITHMS: Mapping[str, str] = {"item": "Item", "lfm": "LFM", "ncf": "NCF"}
AXES: Mapping[str, str] = {
    "k": "list length k",
    "length": "item-vector length l",
    "weights": "weights of the places",
    "model": "attack model",
    "division": "division",
    "known_history": "known interactions of each user",
    "n_shadow_users": "shadow users",
    "pool": "pool of popular items",
    "is_shadow_defended": "shadow defended alike",
    "factorization": "item vectors",
    "is_rehearsal": "rehearsal on the shadow part",
    "shadow_pool": "pool of the shadow",
    "shadow_settings": "shadow",
    "target_settings": "target",
    "preset": "preset",
}
_NOTHING_GIVEN: Mapping[str, str] = {
    "pool": "off",
    "shadow_pool": "off",
    "factorization": "the preset's",
    "shadow_settings": "default settings",
    "target_settings": "default settings",
}
_LONGEST = 18


def dataset_name(name: str) -> str:
    """Give a dataset the paper's name; one that the paper lacks keeps its own, cut if long."""
    known = DATASETS.get(name, name)
    return known if len(known) <= _LONGEST else known[: _LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"


def data_name(shadow: str, target: str) -> str:
    """Name the data of a cell: one dataset, or the shadow's and the target's."""
    return dataset_name(target) if shadow == target else f"{dataset_name(shadow)} to {dataset_name(target)}"


def algorithm_name(name: str) -> str:
    """Give an algorithm the paper's name."""
    return ALGORITHMS.get(name, name)


def side_name(dataset: str, algorithm: str) -> str:
    """Name a recommender: the algorithm on the dataset."""
    return f"{algorithm_name(algorithm)} on {dataset_name(dataset)}"


def division_name(name: str) -> str:
    """Write a division in words."""
    return name.replace("-", " ")


def number(value: float | None, digits: int = 3) -> str:
    """Write a figure with three decimals; a missing one as a dash."""
    if value is None or np.isnan(value):
        return NOTHING
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def signed(value: float | None) -> str:
    """Write a difference with its sign; what rounds to nothing has none."""
    shown = number(value)
    return (
        f"+{shown}"
        if value is not None and value > 0 and shown.strip("0.")
        else shown.replace("\N{MINUS SIGN}0.000", "0.000")
    )


def span(low: float, high: float) -> str:
    """Write an interval; one value if both ends look alike."""
    first, last = number(low), number(high)
    return first if first == last else f"{first}{NOTHING}{last}"


def percent(share: float) -> str:
    """Write a share in percent."""
    return f"{100 * share:.1f}{PERCENT}"


def count(value: float) -> str:
    """Write a whole number in groups of three."""
    return f"{round(value):,}"


def counts(values: Iterable[float]) -> str:
    """Write how many: one number, or from the smallest to the largest."""
    found = sorted({round(value) for value in values if not np.isnan(value)})
    if not found:
        return "no"
    return count(found[0]) if len(found) == 1 else f"{count(found[0])} to {count(found[-1])}"


def plural(n: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def listed(words: Sequence[str]) -> str:
    """Write words as a list in a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"


def axis_value(axis: str, value: object) -> str:
    """Write a value of an axis: what it means that nothing is given depends on the axis."""
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
        return _NOTHING_GIVEN.get(axis, "all")
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return count(float(value)) if isinstance(value, int | float | np.number) else str(value)


def seeds(values: Iterable[int]) -> str:
    """Write the seeds of a figure."""
    found = sorted({int(value) for value in values})
    if len(found) > 2 and found == list(range(found[0], found[-1] + 1)):
        return f"seeds {found[0]} to {found[-1]}"
    return f"{'seed' if len(found) == 1 else 'seeds'} {listed([str(one) for one in found])}"
