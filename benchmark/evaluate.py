"""One fit: split, tune on inner folds, refit on the whole training part, score the outer test part once."""

import time
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.space import Params
from bakeoff.fitting import fit_rows, predict
from bakeoff.inner_scores import score_default, tune_rows
from bakeoff.job import Job
from bakeoff.metrics import Predictions, compute_metrics
from bakeoff.prepared import open_prepared
from bakeoff.provenance import collect_versions
from bakeoff.tuning import Tuned

# No inner fold begins when less than this many times the seconds of the outer fit are left of its limit.
PATIENCE = 3


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
    versions : dict
        Of the libraries in the process of the fit.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    diagnostics: dict[str, Any] = field(default_factory=dict)
    params: Params = field(default_factory=dict)
    trials: list[dict[str, Any]] = field(default_factory=list)
    curves: dict[str, list[float]] = field(default_factory=dict)
    predictions: dict[str, np.ndarray] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=collect_versions)
    failure: str = ""


def evaluate(job: Job) -> Result:
    """Run one fit.

    Raises
    ------
    Exception
        Whatever the model raises while it is fitted on the outer training part.
    """
    start = time.perf_counter()
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
    inner = {} if tuned else _score_inside(job, dataset, split.train, start + job.limit_s - PATIENCE * fitted.seconds)
    return Result(
        metrics=metrics,
        diagnostics={
            "fit_s": round(fitted.seconds, 4),
            "predict_s": round(predict_s, 4),
            "train_rows": len(split.train),
            "test_rows": len(split.test),
            "threads": job.threads,
            "device": job.device,
            **_of_gpu(job),
            **_of_model(fitted.pipeline),
            **_of_tuning(job, tuned),
            **inner,
            "warnings": _unique_warnings(caught),
        },
        params=params,
        trials=tuned.trials if tuned else [],
        curves=_curves(fitted.pipeline),
        predictions=_to_arrays(predictions, split.test),
    )


def _score_inside(job: Job, dataset: Dataset, rows: np.ndarray, ends: float) -> dict[str, Any]:
    """Score the default on inner folds, unless the fit's limit leaves no time: its outer scores are not to be lost."""
    if not job.scores_default:
        return {}
    seconds = ends - time.perf_counter()
    if seconds <= 0:
        return {"no_inner_score": "the limit of the fit left no time"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the outer fit has told its own
        return score_default(job, dataset, rows, seconds=seconds)


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


def _of_gpu(job: Job) -> dict[str, float]:
    """Read the most memory that PyTorch took from its GPU in this process, in MiB."""
    if job.device != "cuda":
        return {}
    import torch

    return {"peak_vram_mb": round(torch.cuda.max_memory_reserved() / 2**20, 1)}


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
        "trials_pruned": states.count("pruned"),
        "inner_score": tuned.score,
        "inner_metric": job.primary,
        "default_score": tuned.trials[0]["value"] if tuned.trials else None,
        "budget_trials": job.trials,
        "budget_s": job.seconds,
    }
    if tuned.resumed:
        spent |= {"trials_resumed": tuned.resumed, "earlier_cpu_s": round(tuned.earlier_cpu_s, 4)}
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
    if predictions.weights is not None:
        arrays["weights"] = predictions.weights
    return {**arrays, "scores_are_probabilities": np.asarray(predictions.probabilities is not None)}
