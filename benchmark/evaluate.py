"""One fit: split, tune on inner folds, refit on the whole training part, score the outer test part once."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.pipelines import build_pipeline
from bakeoff.estimators.space import Params
from bakeoff.estimators.spec import Setting
from bakeoff.job import Job
from bakeoff.metrics import Predictions, compute_metrics
from bakeoff.predict import predict_rows
from bakeoff.prepared import open_prepared
from bakeoff.seeds import derive_seed
from bakeoff.splits import inner_splits, validation_rows
from bakeoff.tuning import Study, Tuned, tune

VALIDATION_FRACTION = 0.15


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a fit's process returns.

    Parameters
    ----------
    failure : str
        Why there are no metrics: every trial failed. Empty if the fit went well.
    metrics, diagnostics, params : dict
        As in `Record`.
    trials : list of dict
        One row for each trial; empty for the default variant.
    curves : dict of list
        Training and validation loss of a net by epoch; empty for other models.
    predictions : dict of ndarray
        The outer test rows: `rows`, `y_true`, `y_pred`, and `scores` where there are any.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    diagnostics: dict[str, Any] = field(default_factory=dict)
    params: Params = field(default_factory=dict)
    trials: list[dict[str, Any]] = field(default_factory=list)
    curves: dict[str, list[float]] = field(default_factory=dict)
    predictions: dict[str, np.ndarray] = field(default_factory=dict)
    failure: str = ""


def evaluate(job: Job) -> Result:
    """Run one fit.

    Raises
    ------
    Exception
        Whatever the model raises while it is fitted on the outer training part.
    """
    dataset, splits = open_prepared(job.prepared)
    split = splits[job.index]
    warm_up(job.choice.spec.requires)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tuned = tune_rows(job, dataset, split.train) if job.variant == "tuned" else None
        failure = _failure(tuned)
        if failure:
            return _without_result(job, tuned, failure)
        params = _params(job, tuned)
        fitted = fit_rows(job, dataset, split.train, params)
        began = time.perf_counter()
        predictions = predict(dataset, fitted.pipeline, split.test)
        predict_s = time.perf_counter() - began
        metrics = compute_metrics(predictions, job.metrics)
    return Result(
        metrics=metrics,
        diagnostics={
            "fit_s": round(fitted.seconds, 4),
            "predict_s": round(predict_s, 4),
            "train_rows": len(split.train),
            "test_rows": len(split.test),
            "threads": job.threads,
            "device": job.device,
            **_of_model(fitted.pipeline),
            **_of_tuning(job, tuned),
            "warnings": _unique_warnings(caught),
        },
        params=params,
        trials=tuned.trials if tuned else [],
        curves=_curves(fitted.pipeline),
        predictions=_to_arrays(predictions, split.test),
    )


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline and the seconds that fitting took."""

    pipeline: Any
    seconds: float


def fit_rows(job: Job, dataset: Dataset, rows: np.ndarray, params: Params) -> Fitted:
    """Fit the job's model with given parameters on some rows of a data set; only the fit itself is timed."""
    seed = derive_seed(
        seed=job.seed, dataset=job.dataset, repeat=job.repeat, fold=job.fold, model=job.choice.name, purpose="model"
    )
    setting = Setting(
        task=job.task,
        kind=job.kind,
        input_shape=dataset.input_shape,
        random_state=seed,
        threads=job.threads,
        device=job.device,
    )
    pipeline = build_pipeline(job.choice.spec, setting, params, dataset.categorical)
    X, y = take(dataset.X, rows), dataset.y[rows]
    options = _validation(job, dataset, rows, params)
    began = time.perf_counter()
    pipeline.fit(X, y, **options)
    return Fitted(pipeline, time.perf_counter() - began)


def predict(dataset: Dataset, pipeline: Any, rows: np.ndarray) -> Predictions:
    """Ask a fitted pipeline about some rows of the data set."""
    return predict_rows(
        pipeline, take(dataset.X, rows), np.asarray(dataset.y[rows]), classes=dataset.classes, positive=dataset.positive
    )


def take(X: Any, rows: np.ndarray) -> Any:
    """Return some rows of a frame or an array."""
    return X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]


def tune_rows(job: Job, dataset: Dataset, rows: np.ndarray) -> Tuned:
    """Tune the job's model on some rows of a data set, by inner folds that follow the outer scheme."""
    place = {"seed": job.seed, "dataset": job.dataset, "repeat": job.repeat, "fold": job.fold}
    inner = inner_splits(dataset, rows, folds=job.inner_folds, seed=derive_seed(**place, purpose="inner"))
    return tune(
        Study(
            suggest=lambda trial: job.choice.params_of(trial, job.task),
            default=job.choice.default_point(job.task),
            score_fold=_scorer(job, dataset, rows, inner),
            n_folds=len(inner),
            trials=job.trials,
            seconds=job.seconds,
            seed=derive_seed(**place, model=job.choice.name, purpose="tuning"),
        )
    )


def _failure(tuned: Tuned | None) -> str:
    """Say that all trials of a study failed; a study that only ran out of seconds leaves the default to be refitted."""
    if tuned is None or tuned.params is not None or _ran_out_of_time(tuned):
        return ""
    return f"all {len(tuned.trials)} trials failed; the first: {tuned.trials[0]['reason']}"


def _without_result(job: Job, tuned: Tuned | None, failure: str) -> Result:
    spent = {"threads": job.threads, "device": job.device, **_of_tuning(job, tuned)}
    return Result(diagnostics=spent, trials=tuned.trials if tuned else [], failure=failure)


def _params(job: Job, tuned: Tuned | None) -> Params:
    """Return the parameters to refit: the default where the budget in seconds ended before any trial did."""
    if tuned is None or tuned.params is None:
        return job.choice.default_params(job.task)
    return tuned.params


def _ran_out_of_time(tuned: Tuned) -> bool:
    return not tuned.trials or all("budget in seconds" in trial["reason"] for trial in tuned.trials)


def _scorer(
    job: Job, dataset: Dataset, rows: np.ndarray, inner: list[tuple[np.ndarray, np.ndarray]]
) -> Callable[[Params, int], float]:
    metric = job.metrics[job.primary]

    def score_fold(params: Params, fold: int) -> float:
        train, test = inner[fold]
        fitted = fit_rows(job, dataset, rows[train], params)
        values = compute_metrics(predict(dataset, fitted.pipeline, rows[test]), {job.primary: metric})
        if job.primary not in values:
            raise ValueError(
                f"the primary metric {job.primary} can't be computed: the model gives no "
                f"{metric.needs}, or a class is absent"
            )
        return metric.score(values[job.primary])

    return score_fold


def _validation(job: Job, dataset: Dataset, rows: np.ndarray, params: Params) -> dict[str, Any]:
    """Choose the rows that early stopping watches, for a model that stops early."""
    if not (job.choice.spec.takes_validation_rows and params.get("early_stopping")):
        return {}
    seed = derive_seed(seed=job.seed, dataset=job.dataset, repeat=job.repeat, fold=job.fold, purpose="validation")
    return {"model__validation_rows": validation_rows(dataset, rows, fraction=VALIDATION_FRACTION, seed=seed)}


def warm_up(library: str) -> None:
    """Run a library once before the clock starts, so that its lazy set-up is not charged to the first model."""
    rows = np.arange(8.0).reshape(4, 2)
    if library == "torch":
        import torch

        layer = torch.nn.Linear(2, 1)
        layer(torch.from_numpy(rows).float()).sum().backward()
        torch.optim.AdamW(layer.parameters()).step()
    elif library == "xgboost":
        import xgboost

        xgboost.train({"nthread": 1, "verbosity": 0}, xgboost.DMatrix(rows, label=rows[:, 0]), num_boost_round=1)


def _of_model(pipeline: Any) -> dict[str, Any]:
    """Read what a net says of itself after `fit`."""
    model = pipeline.steps[-1][1]
    names = {"epochs": "n_iter_", "n_parameters": "n_parameters_"}
    return {key: int(getattr(model, name)) for key, name in names.items() if hasattr(model, "n_parameters_")}


def _curves(pipeline: Any) -> dict[str, list[float]]:
    """Read the losses by epoch, where a model keeps them."""
    model = pipeline.steps[-1][1]
    names = {"training": "loss_curve_", "validation": "validation_loss_curve_"}
    return {
        key: [float(loss) for loss in getattr(model, name, [])] for key, name in names.items() if hasattr(model, name)
    }


def _of_tuning(job: Job, tuned: Tuned | None) -> dict[str, Any]:
    if tuned is None:
        return {}
    states = [trial["state"] for trial in tuned.trials]
    spent: dict[str, Any] = {
        "tune_s": round(tuned.seconds, 4),
        "trials": len(states),
        "trials_failed": states.count("failed"),
        "inner_score": tuned.score,
        "budget_trials": job.trials,
        "budget_s": job.seconds,
    }
    if tuned.params is None and _ran_out_of_time(tuned):
        spent["flag"] = "no trial ended within the budget in seconds: default parameters"
    elif job.seconds is not None and len(states) < job.trials:
        spent["flag"] = f"the budget in seconds ended after {len(states)} of {job.trials} trials"
    return spent


def _unique_warnings(caught: list[warnings.WarningMessage]) -> list[str]:
    texts = (f"{entry.category.__name__}: {' '.join(str(entry.message).split())[:200]}" for entry in caught)
    return list(dict.fromkeys(texts))[:10]


def _to_arrays(predictions: Predictions, rows: np.ndarray) -> dict[str, np.ndarray]:
    arrays = {"rows": rows, "y_true": predictions.y_true, "y_pred": predictions.y_pred, "classes": predictions.classes}
    if predictions.scores is not None:
        arrays["scores"] = predictions.scores
    return {**arrays, "scores_are_probabilities": np.asarray(predictions.probabilities is not None)}
