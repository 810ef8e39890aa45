"""TabPFN as a contestant: pretrained weights from a path or a cache, never downloaded; no log-in is ever asked for."""

import os
from pathlib import Path
from typing import Any

from bakeoff.estimators.pretrained.weights import HUB, find_weights_file
from bakeoff.estimators.wrappers.in_context import InContext, InContextClassifier, InContextRegressor
from bakeoff.tasks import Task

REPOSITORY = "Prior-Labs/tabpfn_3_5"
WEIGHTS_FILE = "tabpfn-v3.5-20260909.safetensors"  # for classes and numbers


def find_tabpfn_weights(task: Task, given: str | None = None) -> Path:
    """Return the checkpoint, the same for every task; a UserError says what to do where there is none."""
    del task
    cached = [_cache_folder() / WEIGHTS_FILE]
    return find_weights_file(WEIGHTS_FILE, model="tabpfn", given=given, caches=cached, source=f"{HUB}/{REPOSITORY}")


def _cache_folder() -> Path:
    """Return where the package keeps checkpoints on Linux; to ask it would take seconds, for it imports torch."""
    own = os.environ.get("TABPFN_MODEL_CACHE_DIR", "").strip()
    shared = os.environ.get("XDG_CACHE_HOME", "").strip()
    return Path(own) if own else (Path(shared) if shared else Path.home() / ".cache") / "tabpfn"


class _TabPFN(InContext):
    def __init__(
        self,
        *,
        weights: str | None = None,
        n_estimators: int | str = "auto",
        device: str = "cpu",
        random_state: int = 0,
    ) -> None:
        self.weights = weights
        self.n_estimators = n_estimators
        self.device = device
        self.random_state = random_state

    def _options(self, task: Task) -> dict[str, Any]:
        """Return what the library's estimator is built with; a path that exists keeps it from downloading."""
        options = self.get_params()
        path = find_tabpfn_weights(task, options.pop("weights"))
        return {**options, "model_path": path}


class TabPFNClassifier(InContextClassifier, _TabPFN):
    """TabPFN for classes: a pretrained transformer that reads the training rows as context (Hollmann et al. 2025).

    Takes arrays of numbers, and frames with pandas categories and gaps.

    Parameters
    ----------
    weights : str, optional
        Path of a checkpoint, or of a folder that holds it; else the folder of BAKEOFF_WEIGHTS and the package's cache.
    n_estimators : int or "auto"
        Views of the table whose predictions are averaged; "auto" as the checkpoint says.
    device : str
        "cpu" or "cuda".
    random_state : int
        Of the views' orders of columns and classes.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels in sorted order, as columns of `predict_proba`.
    model_ : tabpfn.TabPFNClassifier

    References
    ----------
    Hollmann, Müller, Purucker, Krishnakumar, Körfer, Hoo, Schirrmeister, Hutter 2025, Accurate predictions on small
    data with a tabular foundation model, Nature; Jäger et al. 2026, TabPFN-3.5: technical report, arXiv.
    """

    def _build_model(self) -> Any:
        from tabpfn import TabPFNClassifier as Model

        return Model(**self._options("multiclass"))


class TabPFNRegressor(InContextRegressor, _TabPFN):
    """TabPFN for numbers: the mean of the distribution that it predicts. Parameters are those of `TabPFNClassifier`."""

    def _build_model(self) -> Any:
        from tabpfn import TabPFNRegressor as Model

        return Model(**self._options("regression"))
