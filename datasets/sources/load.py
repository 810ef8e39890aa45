"""`load`, the one way in: a data set from a name, a file, OpenML, the Hugging Face Hub, or from what is in memory."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.options import DataOptions, FileOptions, HubOptions, TaskOptions, read_options
from bakeoff.datasets.schema.targets import find_positive_class
from bakeoff.datasets.sources.files import load_file
from bakeoff.datasets.sources.huggingface import load_huggingface
from bakeoff.datasets.sources.memory import dataset_from_memory
from bakeoff.datasets.sources.openml import load_openml
from bakeoff.datasets.sources.openml_tasks import load_openml_task
from bakeoff.datasets.sources.registry import ENTRIES, find_entry, load_registered
from bakeoff.errors import UserError

OPENML = "openml:"
OPENML_TASK = "openml-task:"
HUGGINGFACE = "huggingface:"


def load(source: Any, y: Any = None, **options: Any) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    source : str, path, frame, array-like or sparse matrix
        A name of the registry (`moons`, or `moons@1`), `openml:31`, `openml-task:31` (with the folds of that task),
        `huggingface:OWNER/NAME`, the path of a file or a folder of images, or the rows themselves: a frame of pandas,
        polars or Arrow, an array, a sparse matrix.
    y : array-like of shape (n_rows,), optional
        Targets of rows in memory; left out, the column `target` of the frame.
    **options
        `rows`, `difficulty`, `seed` of a synthetic set; otherwise as in `bakeoff.datasets.options`: target, task, kind,
        positive, categorical, numeric, drop, text, groups, time, weights, split, n_train, lags, input_shape; of files
        besides test, labels, image_size, separator, decimal, encoding, sha256; of the Hub config and splits; of
        a task of OpenML folds and repeats, which take its first ones.

    Returns
    -------
    Dataset

    Raises
    ------
    UserError
        What is wrong with the source or the options, and what to do.

    Examples
    --------
    >>> from bakeoff.datasets import load
    >>> load("moons", rows=200, difficulty="hard").task
    'binary'
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"size": [1.5, 2.0, 2.5, 3.0], "colour": ["red", "blue", "red", "blue"]})
    >>> load(frame, target="colour").classes.tolist()
    ['blue', 'red']
    """
    if not isinstance(source, str | os.PathLike):
        return dataset_from_memory(source, y, read_options(DataOptions, options))
    if y is not None:
        raise UserError("y goes with rows in memory; a file or a named data set brings its own target")
    text = os.fspath(source)
    if text.startswith(OPENML):
        return load_openml(parse_openml_id(text), read_options(DataOptions, options))
    if text.startswith(OPENML_TASK):
        return load_openml_task(parse_openml_id(text, OPENML_TASK), read_options(TaskOptions, options))
    if text.startswith("openml-suite:"):
        raise UserError(f"{text} is many data sets; name it in a suite, or load one of them with openml:NUMBER")
    if text.startswith(HUGGINGFACE):
        return load_huggingface(text.removeprefix(HUGGINGFACE), read_options(HubOptions, options))
    if isinstance(source, str) and is_registered_name(text):
        return _load_registered(text, options)
    return load_file(Path(text).expanduser(), read_options(FileOptions, options))


def is_registered_name(text: str) -> bool:
    """Tell a name of the registry from a path: a path has an ending or a folder, or is there."""
    if text.partition("@")[0] in ENTRIES:
        return True
    looks_like_path = os.sep in text or "." in text
    return not looks_like_path and not Path(text).exists()


def parse_openml_id(text: str, prefix: str = OPENML) -> int:
    """Read the number in `openml:31`, or behind another prefix.

    Raises
    ------
    UserError
        If there is none.
    """
    number = text.removeprefix(prefix).strip()
    if not number.isdecimal():
        what = "task" if prefix == OPENML_TASK else "data set"
        raise UserError(f"{text!r}: after {prefix} stands the number of a {what}, such as {prefix}31")
    return int(number)


def _load_registered(name: str, options: dict[str, Any]) -> Dataset:
    drawing = {key: options.pop(key) for key in ("rows", "difficulty", "seed") if key in options}
    positive = options.pop("positive", None)
    if options:
        entry = find_entry(name)
        raise UserError(f"the data set {entry.name!r} is as it is; leave out {', '.join(options)}")
    dataset = load_registered(name, **drawing)
    found = find_positive_class(dataset.name, dataset.y, dataset.task, positive)
    return dataset if found is None else replace(dataset, positive=found)
