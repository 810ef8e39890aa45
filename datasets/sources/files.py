"""Data sets from files and folders, each read by its ending; every problem is told with the file and what to do."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.formats.compressed import check_sha256, uncompressed_name
from bakeoff.datasets.formats.idx import is_idx, read_idx
from bakeoff.datasets.formats.image_folders import read_image_folder
from bakeoff.datasets.formats.npz import read_npz
from bakeoff.datasets.formats.tables import TABLE_SUFFIXES, read_table
from bakeoff.datasets.formats.ts import read_ts
from bakeoff.datasets.options import FileOptions
from bakeoff.datasets.origin import Origin
from bakeoff.datasets.schema.arrays import LabelledArrays, join
from bakeoff.datasets.schema.frames import dataset_from_frame
from bakeoff.datasets.sources.memory import dataset_from_arrays
from bakeoff.errors import UserError


def load_file(path: Path, options: FileOptions) -> Dataset:
    """Read a file or a folder of images as a data set.

    Parameters
    ----------
    path : Path
        A table (.csv, .tsv, .txt, .arff, .jsonl, .parquet, .feather; compressed or not), arrays (.npz), IDX, .ts, or a
        folder of images by class.
    options : FileOptions

    Raises
    ------
    UserError
        If the file is missing, damaged, or not what its name and the options say.
    """
    if options.sha256 is not None:
        check_sha256(path, options.sha256)
    origin = Origin(
        name=uncompressed_name(path).split(".")[0] or "data",
        source=options.origin or str(path),
        licence=options.licence or "not stated",
    )
    read = _choose_array_reader(path, options)
    test = None if options.test is None else Path(options.test)
    if test is not None and (options.n_train is not None or options.split is not None):
        raise UserError(f"{path}: test names the test part; leave out {'split' if options.split else 'n_train'}")
    if read is not None:
        values = read(path) if test is None else join(read(path), read(test))
        return dataset_from_arrays(values, options, origin)
    if not is_table_file(path):
        raise UserError(_unreadable(path))
    frame = _read_table(path, options)
    if test is not None:
        options = options.model_copy(update={"n_train": len(frame)})
        frame = _join_frames(frame, _read_table(test, options))
    return dataset_from_frame(frame, options, origin)


def is_table_file(path: Path) -> bool:
    """Tell by its ending whether a file holds a table."""
    return Path(uncompressed_name(path)).suffix.lower() in TABLE_SUFFIXES


def _choose_array_reader(path: Path, options: FileOptions) -> Callable[[Path], LabelledArrays] | None:
    """Choose how to read arrays; None for a table."""
    if path.is_dir():
        return lambda folder: read_image_folder(folder, image_size=options.image_size)
    if is_idx(path):
        return lambda file: read_idx(file, Path(options.labels) if options.labels and file == path else None)
    ending = Path(uncompressed_name(path)).suffix.lower()
    if ending == ".npz":
        key = options.target if isinstance(options.target, str) else None
        return lambda file: read_npz(file, target=key, kind=options.kind)
    return read_ts if ending == ".ts" else None


def _read_table(path: Path, options: FileOptions) -> pd.DataFrame:
    return read_table(
        path,
        separator=options.separator,
        decimal=options.decimal,
        encoding=options.encoding,
        text=options.kind == "text" or options.text is not None,
    )


def _join_frames(train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    odd = [str(column) for column in train.columns.symmetric_difference(test.columns, sort=False)]
    if odd:
        raise UserError(
            f"the test file must have the columns of the training file; {', '.join(map(repr, odd[:10]))} "
            "stands in one of them only"
        )
    return pd.concat([train, test[train.columns]], ignore_index=True)


def _unreadable(path: Path) -> str:
    if "://" in str(path) or str(path).startswith(("http:", "https:")):
        return f"{path} is an address; download it and give the path of the file"
    if not path.exists():
        return (
            f"there is no data file {str(path)!r}; give the path of a file, a folder of images, or a name that "
            "`bakeoff list datasets` shows"
        )
    return (
        f"{path} ends in none of {', '.join(TABLE_SUFFIXES)}, .npz, .ts or -ubyte (IDX), which say how a file is read; "
        "rename it, or save it as CSV"
    )
