"""The curves and pictures that a run has stored, for the cells that figures show."""

from typing import Any

import numpy as np
import pandas as pd

from services.attacker.experiments.report.curves import Curve
from services.attacker.experiments.report.pictures import Picture
from shared.artifacts import ArtifactStore


def stored_curves(rows: pd.DataFrame, store: ArtifactStore) -> list[Curve]:
    """Read the ROC curve of each row; a row whose arrays are not stored has none."""
    curves = []
    for row in _with_arrays(rows, store):
        arrays = store.get(row["artifact"]).arrays
        curves.append(
            Curve(
                preset=row["preset"],
                dataset=row["target_dataset"],
                algorithm=row["target_algorithm"],
                seed=int(row["seed"]),
                auc=float(row["auc"]),
                smallest_fpr=float(row["smallest_fpr"]),
                fpr=np.asarray(arrays["fpr"], dtype=np.float64),
                tpr=np.asarray(arrays["tpr"], dtype=np.float64),
            )
        )
    return curves


def stored_pictures(rows: pd.DataFrame, store: ArtifactStore) -> list[Picture]:
    """Read the projected user features of each row; a row whose arrays are not stored has none."""
    pictures = []
    for row in _with_arrays(rows, store):
        arrays = store.get(row["artifact"]).arrays
        pictures.append(
            Picture(
                dataset=row["target_dataset"],
                algorithm=row["target_algorithm"],
                preset=row["preset"],
                seed=int(row["seed"]),
                auc=float(row["auc"]),
                points=np.asarray(arrays["picture"], dtype=np.float32),
                is_member=np.asarray(arrays["is_member"], dtype=np.bool_),
            )
        )
    return pictures


def _with_arrays(rows: pd.DataFrame, store: ArtifactStore) -> list[dict[Any, Any]]:
    known = rows[[isinstance(name, str) and store.has(name) for name in rows["artifact"]]]
    return known.to_dict("records")
