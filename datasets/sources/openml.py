"""Data sets of OpenML, by their number: fetched once, checked, kept in OpenML's own cache (extra `openml`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from xml.parsers.expat import ExpatError

import pandas as pd

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.options import DataOptions
from bakeoff.datasets.origin import Origin
from bakeoff.datasets.schema.frames import dataset_from_frame
from bakeoff.errors import UserError
from bakeoff.tasks import Task


@dataclass(frozen=True)
class OpenmlTask:
    """A task of a suite: the number of its data set and the column that it predicts."""

    dataset_id: int
    target: str


def load_openml(dataset_id: int, options: DataOptions, *, is_classification: bool | None = None) -> Dataset:
    """Load a data set by its number on OpenML.

    Its own target, categories, row identifiers and columns to ignore are used where the options say nothing. OpenML's
    client keeps it in its cache, compares its MD5 and asks again when the connection breaks; OPENML_CACHE_DIR and
    `~/.config/openml/config` set where, how often and which server.

    Parameters
    ----------
    dataset_id : int
    options : DataOptions
    is_classification : bool, optional
        Whether the target holds classes, where OpenML says so; inferred from it otherwise.

    Raises
    ------
    UserError
        If the client is not installed, the server can't be reached, or there is no such data set.
    """
    openml = import_client()
    with translate_errors(f"openml:{dataset_id}"):
        described = openml.datasets.get_dataset(dataset_id, download_data=True, download_features_meta_data=True)
        frame, _, is_category, columns = described.get_data()
    target = options.target if options.target is not None else described.default_target_attribute
    if target is None or ("," in str(target) and str(target) not in frame.columns):
        raise UserError(f"openml:{dataset_id} names no single target; give target, one of {', '.join(columns[:20])}")
    ignored = _names(described.ignore_attribute) + _names(described.row_id_attribute)
    drop = (*options.drop, *(name for name in ignored if name in frame.columns and name not in options.drop))
    categories = [name for name, category in zip(columns, is_category, strict=True) if category and name != target]
    plain = pd.DataFrame(frame).astype(dict.fromkeys(categories, object))
    kept = [name for name in categories if name not in {*drop, *options.numeric, *options.categorical}]
    inferred = {
        "target": str(target),
        "drop": tuple(name for name in drop if name != target),
        "categorical": (*options.categorical, *kept),
        "task": options.task or _known_task(frame, str(target), is_classification),
    }
    origin = Origin(
        name=str(described.name),
        source=f"OpenML data set {dataset_id}, version {described.version}",
        licence=str(described.licence or "not stated"),
    )
    return dataset_from_frame(plain, options.model_copy(update=inferred), origin)


def list_openml_suite(suite_id: int | str) -> list[OpenmlTask]:
    """List the data sets of an OpenML suite, 99 or OpenML-CC18, say, with the targets of its tasks.

    Raises
    ------
    UserError
        As `load_openml`.
    """
    openml = import_client()
    with translate_errors(f"openml-suite:{suite_id}"):
        numbers = openml.study.get_suite(suite_id).tasks or []
        tasks = [openml.tasks.get_task(number, download_data=False, download_splits=False) for number in numbers]
    if not tasks:
        raise UserError(f"openml-suite:{suite_id} has no tasks")
    return [OpenmlTask(int(task.dataset_id), str(task.target_name)) for task in tasks]


def import_client() -> Any:
    """Import OpenML's client.

    Raises
    ------
    UserError
        If it is not installed.
    """
    try:
        import openml
    except ImportError:
        raise UserError("data sets of OpenML need its client: pip install 'bakeoff[openml]'") from None
    return openml


@contextmanager
def translate_errors(source: str) -> Iterator[None]:
    """Tell what went wrong between here and OpenML in one line."""
    import requests
    from arff import ArffException
    from openml.exceptions import OpenMLCacheException, OpenMLHashException, PyOpenMLError

    try:
        yield
    except OpenMLHashException:
        raise UserError(f"{source}: what OpenML sent does not have the checksum that it promised; try again") from None
    except (requests.exceptions.RequestException, OpenMLCacheException):
        raise UserError(
            f"{source}: OpenML can't be reached, and the data are not in the cache; connect once, and later runs work "
            "without a connection"
        ) from None
    except PyOpenMLError as error:
        raise UserError(f"{source}: OpenML says: {' '.join(str(error).split())}") from None
    except (LookupError, TypeError, ValueError, ArffException, ExpatError) as error:
        raise UserError(f"{source}: what OpenML answered can't be read ({type(error).__name__}: {error})") from None


def _known_task(frame: pd.DataFrame, target: str, is_classification: bool | None) -> Task | None:
    """Return the task that OpenML says; None where it says nothing, or there is no such column."""
    if is_classification is None or target not in frame.columns:
        return None
    if not is_classification:
        return "regression"
    return "binary" if frame[target].nunique() == 2 else "multiclass"


def _names(attribute: Any) -> list[str]:
    """Read OpenML's list of columns: None, one name, several with commas, or a list."""
    if attribute is None:
        return []
    return attribute.split(",") if isinstance(attribute, str) else list(attribute)
