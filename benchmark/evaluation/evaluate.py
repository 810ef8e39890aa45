"""One fit: split, tune on inner folds, refit on the whole training part, score the outer test part once."""

import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.estimators.models.pretrained import required_modules
from bakeoff.estimators.search_spaces.space import Params
from bakeoff.estimators.wrappers.held_out_stopping import rounds_used_up
from bakeoff.evaluation.final_fit import FinalFit, fit_final, score_bag
from bakeoff.evaluation.search import SearchResult, search_diagnostics, search_members
from bakeoff.fitting.fit import Member, predict
from bakeoff.fitting.permutation_importance import Importances, measure_importance
from bakeoff.fitting.score import score_primary
from bakeoff.planning.staging import open_data_file
from bakeoff.protocol.job import Job
from bakeoff.protocol.metrics import compute_metrics
from bakeoff.protocol.splits import Split
from bakeoff.records.provenance import collect_versions
from bakeoff.tuning.inner_cv_scores import score_default

# No inner fold begins when less than this many times the seconds of the outer fit are left of its limit.
REFIT_TIME_RESERVE = 3


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """What a fit's process returns.

    Parameters
    ----------
    failure : str
        Why there are no metrics: every trial failed. Empty if the fit went well.
    metrics, diagnostics, params : dict
        As in `Record`.
    trials : list of dict
        One row for each trial; empty for variants that do not tune.
    curves : dict of list
        Training and validation loss of a net by epoch; empty for other models.
    importance : dict of list
        What the score lost with each column shuffled; empty unless the suite asks for it.
    predictions : dict of ndarray
        The outer test rows: `rows`, `y_true`, `y_pred`, `scores` where there are any, and where they have a time
        the place of each row in it: equal times share a place.
    versions : dict
        Of the libraries in the process of the fit.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    diagnostics: dict[str, Any] = field(default_factory=dict)
    params: Params = field(default_factory=dict)
    trials: list[dict[str, Any]] = field(default_factory=list)
    curves: dict[str, list[float]] = field(default_factory=dict)
    importance: Importances = field(default_factory=dict)
    predictions: dict[str, np.ndarray] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=collect_versions)
    failure: str = ""


def evaluate(job: Job) -> FitResult:
    """Run one fit.

    Raises
    ------
    Exception
        Whatever the model raises while it is fitted on the outer training part.
    """
    start = time.perf_counter()
    dataset, splits = open_data_file(job.data_file)
    split = splits[job.split_index]
    for library in required_modules(job.choice, job.kind):
        warm_up(library)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search = search_members(job, dataset, split.train)
        if search.failure:
            spent = {"threads": job.settings.threads, "device": job.device, **search_diagnostics(job, search)}
            return FitResult(diagnostics=spent, trials=search.trials, failure=search.failure)
        fitted = fit_final(job, dataset, split.train, search)
        began = time.perf_counter()
        predictions = predict(dataset, fitted.model, split.test)
        predict_s = time.perf_counter() - began
        metrics = compute_metrics(predictions, job.metrics)
    deadline = start + job.settings.limit_s - REFIT_TIME_RESERVE * fitted.seconds
    if search.tuned:
        extra_diagnostics = _score_incumbents(job, dataset, split, search, deadline)
    else:
        extra_diagnostics = _score_on_inner_folds(job, dataset, split.train, fitted, deadline)
    importance: Importances = {}
    if job.compute_importance:
        importance, spent = measure_importance(job, dataset, fitted.model, split.test, deadline)
        extra_diagnostics |= spent
    models = [pipeline.steps[-1][1] for pipeline in fitted.pipelines]
    return FitResult(
        metrics=metrics,
        diagnostics={
            "fit_s": round(fitted.seconds, 4),
            "predict_s": round(predict_s, 4),
            "train_rows": len(split.train),
            "test_rows": len(split.test),
            "threads": job.settings.threads,
            "device": job.device,
            **_gpu_diagnostics(job, start),
            **_model_diagnostics(models),
            **search_diagnostics(job, search),
            **fitted.diagnostics,
            **extra_diagnostics,
            "warnings": _unique_warnings(caught),
        },
        params=search.params,
        trials=search.trials,
        curves=_loss_curves(models[0]) if len(models) == 1 else {},
        importance=importance,
        predictions=predictions.to_arrays(split.test, dataset.time),
    )


def _score_on_inner_folds(
    job: Job, dataset: Dataset, rows: np.ndarray, fitted: FinalFit, deadline: float
) -> dict[str, Any]:
    """Score on inner folds what no study has, unless the limit leaves no time: the outer scores are not to be lost."""
    if "inner_score" in fitted.diagnostics or not (fitted.bags or job.score_default_params):
        return {}
    seconds = deadline - time.perf_counter()
    if seconds <= 0:
        return {"no_inner_score": "the limit of the fit left no time"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the outer fit has told its own
        if fitted.bags:
            return score_bag(job, dataset, fitted.bags[0])
        return score_default(job, dataset, rows, seconds=seconds)


def _score_incumbents(
    job: Job, dataset: Dataset, split: Split, search: SearchResult, deadline: float
) -> dict[str, Any]:
    """Note on each trial that was best for a time what its refit reaches on the test part, if the suite asks for it.

    Nothing is chosen by these scores, and what they take is no part of the model's cost.
    """
    if not job.score_incumbents or search.tuned is None:
        return {}
    began, cpu_before = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the outer fit has told its own
        for row in search.tuned.incumbents[:-1]:
            if time.perf_counter() > deadline:
                break
            with suppress(Exception):  # it is only not known then
                incumbent = SearchResult(members=(Member(row["params"]),))
                model = fit_final(job, dataset, split.train, incumbent).model
                row["outer"] = score_primary(job, predict(dataset, model, split.test))
    spent = {"anytime_s": time.perf_counter() - began, "anytime_cpu_s": time.process_time() - cpu_before}
    return {name: round(value, 4) for name, value in spent.items()}


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
    else:
        import_module(library)


def _gpu_diagnostics(job: Job, start: float) -> dict[str, float]:
    """Read for how long this process has held its GPU, and the most memory that PyTorch took from it, in MiB."""
    if job.device != "cuda":
        return {}
    import torch

    return {
        "device_s": round(time.perf_counter() - start, 4),
        "peak_vram_mb": round(torch.cuda.max_memory_reserved() / 2**20, 1),
    }


def _model_diagnostics(models: Sequence[Any]) -> dict[str, int]:
    """Read what nets say of themselves after `fit`, and count the fits; the members of ensembles and bags add up."""
    names = {"epochs": "n_iter_", "n_parameters": "n_parameters_"}
    nets = [model for model in models if hasattr(model, "n_parameters_")]
    sums = {key: sum(int(getattr(net, name)) for net in nets) for key, name in names.items() if nets}
    capped = [int(net.n_iter_) for net in nets if net.stopped_while_improving_]
    used_up = {"epoch_cap": max(capped, default=0), "round_cap": max(map(rounds_used_up, models), default=0)}
    return {"refits": len(models), **sums, **{name: cap for name, cap in used_up.items() if cap}}


def _loss_curves(model: Any) -> dict[str, list[float]]:
    """Read the losses by epoch, where a model keeps them."""
    names = {"training": "loss_curve_", "validation": "validation_loss_curve_"}
    return {
        key: [float(loss) for loss in getattr(model, name, [])] for key, name in names.items() if hasattr(model, name)
    }


def _unique_warnings(caught: list[warnings.WarningMessage]) -> list[str]:
    texts = (f"{entry.category.__name__}: {' '.join(str(entry.message).split())[:200]}" for entry in caught)
    return list(dict.fromkeys(texts))[:10]
