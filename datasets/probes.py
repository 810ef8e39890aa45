"""Small models that look at a sample of a data set, to see whether a column, or anything at all, tells the target.

Scores are shares of the way from a dummy (0) to perfection (1): of accuracy for classes, R² for numbers.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.datasets.dataset import Dataset

ROWS = 2000
MOST_COLUMNS = 200
FOLDS = 3
LEAST_ROWS = 30
TREES = 20
NOISE_ERRORS = 2.0  # standard errors of an accuracy by which a forest must beat the dummy


@dataclass(frozen=True)
class Probe:
    """What small models make of a whole data set.

    Parameters
    ----------
    split : float
        Gain of a single split of one column over the dummy.
    forest : float
        Gain of a random forest.
    noise : float
        Gain below which the forest can't be told from the dummy.
    """

    split: float
    forest: float
    noise: float


def probe_columns(dataset: Dataset, *, seed: int = 0) -> dict[str, float]:
    """Return how far each column alone, through a small tree, leads from a dummy to a perfect score.

    Only tables are looked at, and 200 of their columns at most.
    """
    if not isinstance(dataset.X, pd.DataFrame) or len(dataset.y) < LEAST_ROWS:
        return {}
    rows = _sample(dataset, seed)
    codes = _codes(dataset.X.iloc[rows, :MOST_COLUMNS])
    names = [str(name) for name in dataset.X.columns[:MOST_COLUMNS]]
    return {
        name: _gain(dataset, _tree(dataset, 4, seed), codes[:, [place]], rows, seed) for place, name in enumerate(names)
    }


def probe_whole(dataset: Dataset, *, seed: int = 0) -> Probe | None:
    """Ask a single split and a small random forest; None where there are too few rows, or text."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    if dataset.kind == "text" or len(dataset.y) < LEAST_ROWS:
        return None
    rows = _sample(dataset, seed)
    codes = _codes(dataset.X.iloc[rows]) if isinstance(dataset.X, pd.DataFrame) else np.nan_to_num(dataset.X[rows])
    kind = RandomForestRegressor if dataset.task == "regression" else RandomForestClassifier
    split = _gain(dataset, _tree(dataset, 1, seed), codes, rows, seed)
    forest = _gain(dataset, kind(TREES, random_state=seed, max_features="sqrt"), codes, rows, seed)
    share = 0.0 if dataset.task == "regression" else _largest_share(dataset.y[rows])
    noise = NOISE_ERRORS * np.sqrt(share * (1 - share) / len(rows)) / (1 - share) if share < 1 else 0.0
    return Probe(split, forest, float(noise))


def _sample(dataset: Dataset, seed: int) -> np.ndarray:
    n_rows = len(dataset.y)
    if n_rows <= ROWS:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, ROWS, replace=False))


def _codes(frame: pd.DataFrame) -> np.ndarray:
    """Write categories as codes and gaps as -1."""
    columns = [
        frame[name].to_numpy(dtype=float, na_value=np.nan)
        if pd.api.types.is_numeric_dtype(frame[name])
        else pd.factorize(frame[name].astype(str), sort=True)[0].astype(float)
        for name in frame
    ]
    codes: np.ndarray = np.nan_to_num(np.column_stack(columns), nan=-1.0)
    return codes


def _tree(dataset: Dataset, depth: int, seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeRegressor if dataset.task == "regression" else DecisionTreeClassifier
    return kind(max_depth=depth, random_state=seed)


def _gain(dataset: Dataset, model: Any, X: np.ndarray, rows: np.ndarray, seed: int) -> float:
    """Cross-validate a model on the sample and place it between dummy and perfection."""
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

    y = dataset.y[rows]
    splitter = (KFold if dataset.task == "regression" else StratifiedKFold)(FOLDS, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes with fewer rows than folds
        score = float(np.mean(cross_val_score(model, X, y, cv=splitter)))
    if dataset.task == "regression":
        return score
    share = _largest_share(y)
    return (score - share) / (1 - share) if share < 1 else 0.0


def _largest_share(y: np.ndarray) -> float:
    counts = np.unique(y, return_counts=True)[1]
    return float(counts.max() / counts.sum())
