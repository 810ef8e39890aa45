"""Models in MLflow: the pipeline of a cell, refitted on all rows, with signature and input example.

MLflow would find out the packages that a model needs by loading it in a process of its own, for up to fifteen seconds a
model; they are known here. Models are kept by cloudpickle, which can run code when it is loaded, as every pickle can.
"""

import re
import warnings
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.datasets.dataset import Dataset
from bakeoff.errors import UserError, describe_error
from bakeoff.fitting.fit import take
from bakeoff.running.refit import load_pipeline
from bakeoff.tracking.rows import Cell

EXAMPLES = 5
PACKAGES = ("bakeoff", "cloudpickle", "numpy", "pandas", "scikit-learn", "scipy")


class ModelError(Exception):
    """A model can't be logged for a reason of its own; others can."""


def log_model(client: Any, run: Any, cell: Cell, pipeline: Path, dataset: Dataset, library: str) -> str:
    """Log the pipeline of a file as the model of a child run; return its id in MLflow.

    Parameters
    ----------
    client : MlflowClient
    run : Run
        Of MLflow.
    cell : tuple
    pipeline : Path
    dataset : Dataset
        Its first rows are the example.
    library : str
        That the model is made with.

    Raises
    ------
    ModelError
        If the file can't be read, or the model can't answer its example or be saved.
    """
    from mlflow.entities import LoggedModelOutput, Metric

    name = name_of_model(cell)
    tags = {"dataset": cell[0], "model": cell[1], "variant": cell[2], "fitted on": "all rows"}
    info = run.info
    made = client.create_logged_model(
        info.experiment_id, name=name, source_run_id=info.run_id, tags=tags, model_type=run.data.tags["family"]
    )
    with TemporaryDirectory() as place:
        try:
            model = load_pipeline(pipeline)
            _save(Path(place) / "model", model, dataset, library, made.model_id, info.run_id)
        except Exception as error:
            client.delete_logged_model(made.model_id)
            raise ModelError(str(error) if isinstance(error, UserError) else describe_error(error)) from error
        client.log_model_artifacts(made.model_id, str(Path(place) / "model"))
    client.finalize_logged_model(made.model_id, "READY")
    client.log_outputs(info.run_id, [LoggedModelOutput(made.model_id, 0)])
    scores = {key: value for key, value in run.data.metrics.items() if "/" not in key}
    metrics = [
        Metric(key, value, info.start_time, 0, model_id=made.model_id, run_id=info.run_id)
        for key, value in scores.items()
    ]
    client.log_batch(info.run_id, metrics=metrics)
    return str(made.model_id)


def name_of_model(cell: Cell) -> str:
    """Return what a model is called in MLflow, which allows no / : . % and quotes."""
    return re.sub(r"[/:.%\"'\\]", "-", " ".join(cell[:3]))


def example_rows(dataset: Dataset) -> Any:
    """Return the first rows as a client would send them: categories as plain values, texts as an array of strings."""
    rows = take(dataset.X, np.arange(min(EXAMPLES, len(dataset.y))))
    if not isinstance(rows, pd.DataFrame):
        return rows.astype(str) if dataset.kind == "text" else np.asarray(rows)
    categories = {name: kind.categories.dtype for name, kind in rows.dtypes.items() if hasattr(kind, "categories")}
    return rows.astype(categories).reset_index(drop=True)


def list_requirements(library: str) -> list[str]:
    """Return the packages that loading a model takes, pinned; a local build such as +cpu is no version to ask for."""
    names = dict.fromkeys((*PACKAGES, *([library] if library != "sklearn" else [])))
    return [f"{name}=={version(name).partition('+')[0]}" for name in names]


def _save(place: Path, pipeline: Any, dataset: Dataset, library: str, model_id: str, run_id: str) -> None:
    import mlflow.sklearn
    from mlflow.models import Model, infer_signature

    example = example_rows(dataset)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of integers that may be missing one day
        mlflow.sklearn.save_model(
            pipeline,
            str(place),
            signature=infer_signature(example, pipeline.predict(example)),
            input_example=example,
            pip_requirements=list_requirements(library),
            serialization_format="cloudpickle",
            mlflow_model=Model(model_id=model_id, run_id=run_id),
        )
