"""The Python way in: `run_suite`, `compare`, `extend`, `merge` and `load_run`; each gives a `RunResult`."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from bakeoff.api.result import RunResult
from bakeoff.datasets.sources.load import load
from bakeoff.engines.observers import Progress, Silent
from bakeoff.engines.options import RunOptions, RunSummary
from bakeoff.errors import UserError
from bakeoff.planning.inputs import InMemoryInputs
from bakeoff.planning.plan import Plan, make_plan
from bakeoff.planning.shard import Shard, parse_shard, take_shard
from bakeoff.recorded_runs.extension import Extension, check_same_data, extend_suite
from bakeoff.records.run_folder import RunFolder, open_run
from bakeoff.running.refit import list_refits
from bakeoff.running.runner import Run
from bakeoff.suites.custom import spec_of_estimator
from bakeoff.suites.filter import filter_suite
from bakeoff.suites.suite import Suite
from bakeoff.suites.suite_file import set_learning_curve, to_suite
from bakeoff.tracking.tracker import MlflowTracker, track_models

RUNS = Path("runs")


def run_suite(
    suite: str | Path | Suite | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    models: Sequence[str] = (),
    datasets: Sequence[str] = (),
    learning_curve: Sequence[float | str] | None = None,
    shard: str | None = None,
    tracking: bool = True,
    tracking_uri: str | None = None,
    log_models: bool = False,
    progress: Progress | None = None,
    **run_options: Any,
) -> RunResult:
    """Run a suite; fits that are recorded in the folder already are not run again.

    Parameters
    ----------
    suite : str, Path, Suite or mapping
        Name of a shipped suite, path of a YAML file, or the content of one.
    out : path, optional
        The run folder; `runs/NAME` if left out, `runs/NAME-shard-K-of-N` for a shard.
    models, datasets : sequence of str
        Only these of the suite.
    learning_curve : sequence of float or str, optional
        Shares of the training part to train on as well, 0.05 or "5%"; instead of the suite's own.
    shard : str, optional
        Only the K-th of N parts of the fits, `"K/N"`; `merge` joins them.
    tracking : bool
        Mirror to MLflow.
    tracking_uri : str, optional
        The environment's, or `mlflow.db` beside the runs, if left out.
    log_models : bool
        Whether every model that ended well on all outer folds is refitted on all rows, and logged to its run in MLflow.
    progress : Progress, optional
    **run_options
        Fields of `bakeoff.engines.options.RunOptions`: `workers`, `dask`, `executor`, `in_process`, `fits_per_gpu`,
        `retries`, `retry_failed`, `fail_fast`, `mixed_versions`.

    Returns
    -------
    RunResult

    Raises
    ------
    UserError
        If the suite, the folder or an option can't be used; nothing is written then.
    """
    chosen = filter_suite(to_suite(suite), models=models, datasets=datasets)
    if learning_curve is not None:
        chosen = set_learning_curve(chosen, learning_curve)
    part = parse_shard(shard) if shard is not None else None
    folder = folder_of(chosen, out, part)
    tracked = _check_tracking(tracking, tracking_uri, log_models)
    return _run(chosen, folder, RunOptions(**run_options), progress, tracked, shard=part)


def folder_of(suite: Suite, out: str | Path | None = None, shard: Shard | None = None) -> RunFolder:
    """Return the folder of a run: the one that is asked for, or one below `runs`."""
    return RunFolder(Path(out) if out else RUNS / f"{suite.name}{shard.suffix if shard else ''}")


def compare(
    X: Any,
    y: Any,
    *,
    models: Sequence[Any] = ("all",),
    name: str = "data",
    task: str | None = None,
    kind: str | None = None,
    input_shape: tuple[int, ...] | None = None,
    positive: Any = None,
    preprocessor: str = "none",
    folds: int = 5,
    repeats: int = 1,
    trials: int = 0,
    learning_curve: Sequence[float | str] = (),
    importance: bool = False,
    calibrate: str = "none",
    threshold: str = "default",
    seed: int = 0,
    seconds: float = 3600,
    out: str | Path | None = None,
    tracking: bool = False,
    tracking_uri: str | None = None,
    log_models: bool = False,
    progress: Progress | None = None,
    **run_options: Any,
) -> RunResult:
    """Compare models on data in memory, by the protocol of a suite.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_columns), or (n_rows,) for text
    y : array-like of shape (n_rows,)
    models : sequence
        Names or families of registered models, unfitted scikit-learn estimators, or (name, estimator) pairs.
    name : str
        Name of the data in reports.
    task, kind, input_shape, positive
        As in `Dataset`; inferred where left out.
    preprocessor : str
        Preprocessing before estimators of one's own: `none`, `one-hot` for frames with categories, and so on.
    folds, repeats, seed
        Outer folds, repeats of them, and the seed of it all.
    trials : int
        Tuning trials of each fit; 0 runs the default parameters only.
    learning_curve : sequence of float or str
        Shares of the training part to train on as well, 0.05 or "5%".
    importance : bool
        Whether to measure how much each column of tabular data matters to each model.
    calibrate : {"none", "temperature", "isotonic"}
        Calibrate classifiers, on out-of-fold predictions of the training part.
    threshold : {"default", "tuned"}
        Whether to choose the threshold of binary classifiers there, too.
    seconds : float
        Limit of each fit.
    out : path, optional
        The run folder; a new temporary one if left out.
    tracking, tracking_uri, log_models, progress, **run_options
        As in `run_suite`.

    Returns
    -------
    RunResult

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from bakeoff import compare
    >>> result = compare(*load_wine(return_X_y=True), models=["dummy", "logistic"])
    >>> list(result.leaderboard["model"])
    ['logistic', 'dummy']
    """
    preprocessor = run_options.pop("front_end", preprocessor)  # its name in scripts written before
    options = {"task": task, "positive": positive, "input_shape": input_shape, "kind": kind}
    dataset = load(X, y, name=name, **options)
    own = [spec_of_estimator(model, preprocessor) for model in models if not isinstance(model, str)]
    content = {
        "name": f"compare-{name}",
        "datasets": [{"memory": name}],
        "models": [*(model for model in models if isinstance(model, str)), *({"memory": spec.name} for spec in own)],
        "variants": ["default", "tuned"] if trials else ["default"],
        "outer_folds": folds,
        "repeats": repeats,
        "tuning": {"trials": max(trials, 1)},
        "learning_curve": tuple(learning_curve),
        "score_defaults": not trials,
        "importance": importance,
        "calibrate": calibrate,
        "threshold": threshold,
        "seed": seed,
        "limits": {"seconds": seconds},
    }
    folder = RunFolder(Path(out) if out else Path(tempfile.mkdtemp(prefix="bakeoff-")))
    return _run(
        to_suite(content),
        folder,
        RunOptions(**run_options),
        progress,
        _check_tracking(tracking, tracking_uri, log_models),
        memory=InMemoryInputs({name: dataset}, {spec.name: spec for spec in own}),
    )


def extend(
    path: str | Path,
    *,
    trials: int = 0,
    folds: int = 0,
    repeats: int = 0,
    models: Sequence[str] = (),
    tracking: bool = True,
    tracking_uri: str | None = None,
    log_models: bool = False,
    progress: Progress | None = None,
    **run_options: Any,
) -> RunResult:
    """Go on with a run, with more of something: no finished fit runs again, and studies go on where they ended.

    What comes out are the records that a run of that length gives in one go. With more trials, a tuned fit is refitted
    with the best of all of them; its earlier record is kept, but no longer shown.

    Parameters
    ----------
    path : str or Path
        The run folder. With nothing to add, an interrupted run is finished.
    trials : int
        More trials for each study.
    folds : int
        More outer folds, as whole repeats.
    repeats : int
        More repeats of the outer folds.
    models : sequence of str
        More models, or families of them.
    tracking, tracking_uri, log_models, progress, **run_options
        As in `run_suite`.

    Raises
    ------
    UserError
        If there is no run, its data have changed, or it can't have more of that.
    """
    folder = open_run(path)
    extension = Extension(trials=trials, folds=folds, repeats=repeats, models=models)
    suite = extend_suite(to_suite(folder.read_suite()), extension)
    shard = folder.read_plan().get("shard")
    return _run(
        suite,
        folder,
        RunOptions(**run_options),
        progress,
        _check_tracking(tracking, tracking_uri, log_models),
        shard=parse_shard(shard) if shard else None,
        check=partial(check_same_data, folder),
    )


@dataclass(frozen=True)
class _Tracking:
    """Whether a run is tracked, where, and whether with its models."""

    tracks: bool
    uri: str | None
    logs_models: bool


def _check_tracking(tracking: bool, uri: str | None, log_models: bool) -> _Tracking:
    if log_models and not tracking:
        raise UserError("models are logged to MLflow: log_models needs tracking, too")
    return _Tracking(tracking, uri, log_models)


def _run(
    suite: Suite,
    folder: RunFolder,
    options: RunOptions,
    progress: Progress | None,
    tracked: _Tracking,
    *,
    memory: InMemoryInputs | None = None,
    shard: Shard | None = None,
    check: Callable[[Plan], None] | None = None,
) -> RunResult:
    shown = progress or Silent()
    plan = make_plan(suite, memory)
    if check is not None:
        check(plan)
    if shard is not None:
        plan = take_shard(plan, shard)
    tracker = MlflowTracker(shown.warn, tracked.uri) if tracked.tracks else None
    finished = Run(plan, folder, options, shown, tracker).execute()
    if tracked.logs_models:
        finished = replace(finished, not_logged=_log_models(plan, finished, options, shown))
    return RunResult(finished.folder, finished)


def _log_models(plan: Plan, finished: RunSummary, options: RunOptions, progress: Progress) -> int:
    """Log the models of a run that ended; return how many that should be logged are not."""
    if finished.tracked_at is not None:
        return track_models(finished.folder, plan, finished.tracked_at, options=options, progress=progress).failed
    progress.warn(f"no model is logged either; `bakeoff track {finished.folder.path} --log-models` does it")
    return len(list_refits(plan, finished.folder.read_records()[0]))
