"""Baseline models on a sample of a data set: whether one column, or anything, predicts the target.

Skill scores place a model between a dummy (0) and perfection (1): by accuracy for classes, R² for numbers.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.datasets.dataset import Dataset

MAX_SAMPLED_ROWS = 2000
MAX_COLUMNS = 200
FOLDS = 3
MIN_ROWS = 30
N_TREES = 20
NOISE_ERRORS = 2.0  # standard errors by which a forest must beat the dummy
FLOAT32_MAX = float(np.finfo(np.float32).max)  # that trees take


@dataclass(frozen=True)
class Baselines:
    """What small models make of a whole data set.

    Parameters
    ----------
    stump_skill : float
        Skill score of a decision stump: a single split of one column.
    has_signal : bool
        Whether a random forest can be told from the dummy: by its R² or, for classes, by how it ranks the rows, which
        shows what accuracy hides when one class is rare.
    """

    stump_skill: float
    has_signal: bool


def score_single_columns(dataset: Dataset, *, seed: int = 0) -> dict[str, float]:
    """Return how far each column alone, through a small tree, leads from a dummy to a perfect score.

    Only tables are looked at, and 200 of their columns at most.
    """
    rows = _sample(dataset, seed)
    if not isinstance(dataset.X, pd.DataFrame) or not _can_cross_validate(dataset, rows):
        return {}
    codes = _codes(dataset.X.iloc[rows, :MAX_COLUMNS])
    names = [str(name) for name in dataset.X.columns[:MAX_COLUMNS]]
    return {
        name: _skill_score(dataset, _tree(dataset, 4, seed), codes[:, [place]], rows, seed)
        for place, name in enumerate(names)
    }


def score_baselines(dataset: Dataset, *, seed: int = 0) -> Baselines | None:
    """Ask a single split and a small random forest; None where there are too few rows, or text."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    rows = _sample(dataset, seed)
    if dataset.kind == "text" or not _can_cross_validate(dataset, rows):
        return None
    codes = _codes(dataset.X.iloc[rows]) if isinstance(dataset.X, pd.DataFrame) else np.nan_to_num(dataset.X[rows])
    stump_skill = _skill_score(dataset, _tree(dataset, 1, seed), codes, rows, seed)
    if dataset.task == "regression":
        forest = RandomForestRegressor(N_TREES, random_state=seed, max_features="sqrt")
        return Baselines(stump_skill, _skill_score(dataset, forest, codes, rows, seed) > 0)
    classifier = RandomForestClassifier(N_TREES, random_state=seed, max_features="sqrt")
    return Baselines(stump_skill, _ranks_classes(classifier, codes, dataset.y[rows], seed))


def _ranks_classes(model: Any, X: np.ndarray, y: np.ndarray, seed: int) -> bool:
    """Tell whether a model ranks the rows of each class before the others, better than chance would.

    The areas under the ROC curves of each class against the rest are averaged by their frequency; the standard error of
    an area without any signal is that of the Mann-Whitney statistic.
    """
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes with fewer rows than folds
        scores = cross_val_predict(model, X, y, cv=splitter, method="predict_proba")
    classes, counts = np.unique(y, return_counts=True)
    areas = [roc_auc_score(y == label, scores[:, place]) for place, label in enumerate(classes)]
    errors = np.sqrt((len(y) + 1) / (12.0 * counts * (len(y) - counts)))
    return bool(np.average(areas, weights=counts) > 0.5 + NOISE_ERRORS * np.average(errors, weights=counts))


def _can_cross_validate(dataset: Dataset, rows: np.ndarray) -> bool:
    """Tell whether there are rows enough, and classes (not one, not each row's own) for a cross-validation."""
    if len(rows) < MIN_ROWS:
        return False
    return dataset.task == "regression" or FOLDS <= np.unique(dataset.y[rows], return_counts=True)[1].max() < len(rows)


def _sample(dataset: Dataset, seed: int) -> np.ndarray:
    n_rows = len(dataset.y)
    if n_rows <= MAX_SAMPLED_ROWS:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, MAX_SAMPLED_ROWS, replace=False))


def _codes(frame: pd.DataFrame) -> np.ndarray:
    """Write categories as codes and gaps as -1."""
    columns = [
        frame[name].to_numpy(dtype=float, na_value=np.nan)
        if pd.api.types.is_numeric_dtype(frame[name])
        else pd.factorize(frame[name].astype(str), sort=True)[0].astype(float)
        for name in frame
    ]
    codes: np.ndarray = np.clip(np.nan_to_num(np.column_stack(columns), nan=-1.0), -FLOAT32_MAX, FLOAT32_MAX)
    return codes


def _tree(dataset: Dataset, depth: int, seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeRegressor if dataset.task == "regression" else DecisionTreeClassifier
    return kind(max_depth=depth, random_state=seed)


def _skill_score(dataset: Dataset, model: Any, X: np.ndarray, rows: np.ndarray, seed: int) -> float:
    """Cross-validate a model on the sample and place it between dummy and perfection."""
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

    y = dataset.y[rows]
    splitter = (KFold if dataset.task == "regression" else StratifiedKFold)(FOLDS, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes with fewer rows than folds
        score = float(np.mean(cross_val_score(model, X, y, cv=splitter)))
    if dataset.task == "regression":
        return score
    share = _majority_rate(y)
    return (score - share) / (1 - share) if share < 1 else 0.0


def _majority_rate(y: np.ndarray) -> float:
    counts = np.unique(y, return_counts=True)[1]
    return float(counts.max() / counts.sum())
