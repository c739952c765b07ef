"""One run of our side, in a process of its own: `python -m lab.bench.contender WHAT OPTIONS [INPUTS]`."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from lab.bench import growth_points, ours_attack, ours_folding, ours_querying, ours_shadows, ours_training
from lab.bench.matrices import Inputs

_WITH_INPUTS: Mapping[str, Callable[[Inputs, Mapping[str, Any]], None]] = {
    "item": ours_training.item,
    "lfm": ours_training.lfm,
    "ncf": ours_training.ncf,
    "ncf-curve": ours_training.ncf_curve,
    "folding": ours_folding.one_by_one,
}
_WITHOUT: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
    "features": ours_attack.user_features,
    "intervals": ours_attack.auc_interval,
    "shuffles": ours_attack.shuffled_labels,
    "querying": ours_querying.single_lists,
    "shadows": ours_shadows.many,
    "growth": growth_points.measure,
}


def main(arguments: list[str]) -> None:
    """Run what is asked for and print what was measured as the last line."""
    what, options = arguments[0], json.loads(arguments[1])
    if what in _WITHOUT:
        _WITHOUT[what](options)
    else:
        _WITH_INPUTS[what](Inputs.load(arguments[2]), options)


if __name__ == "__main__":
    main(sys.argv[1:])
