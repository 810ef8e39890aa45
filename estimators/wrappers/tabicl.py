"""TabICL as a contestant: pretrained weights from a path or a cache, never downloaded."""

from pathlib import Path
from typing import Any

from bakeoff.estimators.pretrained.weights import HUB, find_weights_file, hub_cache
from bakeoff.estimators.wrappers.in_context import InContext, InContextClassifier, InContextRegressor
from bakeoff.tasks import Task

REPOSITORY = "jingang/TabICL"
CLASSIFIER_FILE = "tabicl-classifier-v2-20260212.ckpt"
REGRESSOR_FILE = "tabicl-regressor-v2-20260212.ckpt"


def find_tabicl_weights(task: Task, given: str | None = None) -> Path:
    """Return the checkpoint for a task; a UserError says what to do where there is none."""
    filename = REGRESSOR_FILE if task == "regression" else CLASSIFIER_FILE
    cached = hub_cache(REPOSITORY, filename)
    return find_weights_file(filename, model="tabicl", given=given, caches=cached, source=f"{HUB}/{REPOSITORY}")


class _TabICL(InContext):
    def __init__(
        self,
        *,
        weights: str | None = None,
        n_estimators: int = 8,
        kv_cache: bool = False,
        device: str = "cpu",
        random_state: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.weights = weights
        self.n_estimators = n_estimators
        self.kv_cache = kv_cache
        self.device = device
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _options(self, task: Task) -> dict[str, Any]:
        """Return what the library's estimator is built with."""
        options = self.get_params()
        path = find_tabicl_weights(task, options.pop("weights"))
        return {**options, "model_path": path, "allow_auto_download": False}


class TabICLClassifier(InContextClassifier, _TabICL):
    """TabICL for classes: a pretrained transformer that reads the training rows as context (Qu et al. 2025, 2026).

    Takes arrays of numbers, and frames with pandas categories and gaps.

    Parameters
    ----------
    weights : str, optional
        Path of a checkpoint, or of a folder that holds it; else the folder of BAKEOFF_WEIGHTS and the Hub's cache.
    n_estimators : int
        Views of the table whose predictions are averaged.
    kv_cache : bool
        Whether `fit` keeps what it computed of the training rows: faster to ask many times, for more memory.
    device : str
        "cpu" or "cuda".
    random_state : int
        Of the views' orders of columns and classes.
    n_jobs : int, optional
        Threads; as torch is set if left out.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels in sorted order, as columns of `predict_proba`.
    model_ : tabicl.TabICLClassifier
        A pickle of it holds no weights; they are read again from where they were.

    References
    ----------
    Qu, Holzmüller, Varoquaux, Le Morvan 2025, TabICL: a tabular foundation model for in-context learning on large
    data, ICML; 2026, TabICLv2, ICML.
    """

    def _build_model(self) -> Any:
        from tabicl import TabICLClassifier as Model

        return Model(**self._options("multiclass"))


class TabICLRegressor(InContextRegressor, _TabICL):
    """TabICL for numbers: the mean of the distribution that it predicts. Parameters are those of `TabICLClassifier`."""

    def _build_model(self) -> Any:
        from tabicl import TabICLRegressor as Model

        return Model(**self._options("regression"))
