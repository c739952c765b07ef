"""The published figures, as data: Zhang et al., CCS 2021, tables 2 to 5 (figure 3 is the diagonal of 3 to 5).

The paper calls its attack figures AUC; its code computes balanced accuracy at the threshold a < b.
"""

from collections.abc import Mapping

from shared.recommenders.base import Algorithm

_ALGORITHMS = (Algorithm.ITEM, Algorithm.LFM, Algorithm.NCF)

# HR@100 (shadow, target)
HIT_RATES: Mapping[tuple[str, Algorithm], tuple[float, float]] = {
    ("adm", Algorithm.ITEM): (0.222, 0.224),
    ("adm", Algorithm.LFM): (0.119, 0.204),
    ("adm", Algorithm.NCF): (0.116, 0.123),
    ("lastfm-2k", Algorithm.ITEM): (0.652, 0.650),
    ("lastfm-2k", Algorithm.LFM): (0.478, 0.468),
    ("lastfm-2k", Algorithm.NCF): (0.625, 0.637),
    ("ml-1m", Algorithm.ITEM): (0.943, 0.951),
    ("ml-1m", Algorithm.LFM): (0.856, 0.860),
    ("ml-1m", Algorithm.NCF): (0.721, 0.713),
}

# rows: shadow algorithm; columns: target algorithm
_TABLES: Mapping[str, tuple[tuple[float, float, float], ...]] = {
    "adm": ((0.926, 0.885, 0.750), (0.843, 0.775, 0.554), (0.513, 0.494, 0.987)),
    "lastfm-2k": ((0.939, 0.796, 0.793), (0.732, 0.777, 0.774), (0.827, 0.809, 0.916)),
    "ml-1m": ((0.998, 0.792, 0.706), (0.931, 0.871, 0.670), (0.976, 0.914, 0.998)),
}

# DL-MIA (KDD 2022), left heatmap: the same attack across datasets, shadow Item, LFM, NCF on the first dataset
_ACROSS: Mapping[tuple[str, str], tuple[tuple[float, float, float], ...]] = {
    ("adm", "ml-1m"): ((0.525, 0.524, 0.516), (0.510, 0.510, 0.501), (0.502, 0.500, 0.512)),
    ("ml-1m", "adm"): ((0.583, 0.590, 0.498), (0.608, 0.578, 0.510), (0.549, 0.504, 0.537)),
}


def published_figure(shadow: tuple[str, Algorithm], target: tuple[str, Algorithm]) -> float | None:
    """Look up the published figure of a cell (balanced accuracy, there called AUC); None if there is none."""
    table = _TABLES.get(target[0]) if shadow[0] == target[0] else _ACROSS.get((shadow[0], target[0]))
    if table is None or shadow[1] not in _ALGORITHMS or target[1] not in _ALGORITHMS:
        return None
    return table[_ALGORITHMS.index(shadow[1])][_ALGORITHMS.index(target[1])]
