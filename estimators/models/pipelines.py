"""A ready pipeline of a registered model, preprocessing and estimator, for people's own code and for every fit."""

from typing import Any

from sklearn.pipeline import Pipeline

from bakeoff.errors import UserError, unknown_name
from bakeoff.estimators.models.preprocessors import build_preprocessor
from bakeoff.estimators.models.registry import get_spec
from bakeoff.estimators.specs.spec import BuildContext, ModelChoice, ModelSpec
from bakeoff.tasks import KINDS, TASKS, Kind, Task


def make(
    name: str,
    *,
    task: Task,
    kind: Kind = "tabular",
    input_shape: tuple[int, ...] | None = None,
    categorical: tuple[str, ...] = (),
    random_state: int = 0,
    threads: int = 1,
    device: str = "cpu",
    **params: Any,
) -> Pipeline:
    """Make an unfitted scikit-learn pipeline of a registered model.

    Parameters
    ----------
    name : str
        As `bakeoff list models` shows it.
    task : {"binary", "multiclass", "regression"}
    kind : {"tabular", "image", "series", "text"}
    input_shape : tuple of int, optional
        (channels, height, width) or (channels, length) of a row of images or series.
    categorical : tuple of str
        Numeric columns to read as categories.
    random_state, threads, device
        Passed on to the estimator.
    **params
        Parameters of the estimator, beside the model's defaults.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Steps `prepare` and `model`.

    Raises
    ------
    UserError
        If the model is unknown, does not apply to the task or kind, or needs an extra that is missing.
    """
    for what, value, known in (("task", task, TASKS), ("kind", kind, KINDS)):
        if value not in known:
            raise UserError(unknown_name(what, value, known))
    spec = get_spec(name)
    reason = spec.why_not(task, kind, 0)
    if reason:
        raise UserError(reason)
    context = BuildContext(
        task=task, kind=kind, input_shape=input_shape, random_state=random_state, threads=threads, device=device
    )
    return build_pipeline(spec, context, ModelChoice(spec=spec, params=params).default_params(task, kind), categorical)


def build_pipeline(
    spec: ModelSpec, context: BuildContext, params: dict[str, Any], categorical: tuple[str, ...] = ()
) -> Pipeline:
    """Build the pipeline of a spec with given parameters."""
    preprocessor = build_preprocessor(spec.preprocessors[context.kind], context, categorical=categorical)
    return Pipeline([("prepare", preprocessor), ("model", spec.build(context, params))])
