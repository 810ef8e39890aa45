"""Data sets: what `Dataset` refuses, what its digest stands for, and what comes from files, arrays and the registry."""

import gzip
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.datasets import Dataset, load
from bakeoff.datasets.schema.targets import infer_task
from bakeoff.datasets.sources.registry import ENTRIES, load_registered
from bakeoff.errors import UserError

ROWS = 6


def frame_of(n_rows: int = ROWS) -> pd.DataFrame:
    """Build a frame of a number and a category."""
    return pd.DataFrame({"size": np.arange(n_rows) / 2, "colour": ["red", "blue"] * (n_rows // 2)})


def dataset_of(**changes: Any) -> Dataset:
    """Build a small binary data set with some parts replaced."""
    parts: dict[str, Any] = {"name": "toy", "X": frame_of(), "y": np.array(["a", "b"] * 3), "task": "binary"}
    return Dataset(**parts | changes)


def write_csv(folder: Path, text: str) -> Path:
    """Write a CSV file."""
    path = folder / "toy.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"y": np.array(["a", "b"])}, "6 rows in X but 2 in y"),
        ({"groups": np.arange(5)}, "6 rows in X but 5 in groups"),
        ({"time": np.arange(7)}, "6 rows in X but 7 in time"),
        ({"test_rows": np.ones(2, dtype=bool)}, "6 rows in X but 2 in test_rows"),
        ({"X": frame_of(0), "y": np.empty(0)}, "has no rows"),
        (
            {"y": np.array(["a", None, "b", None, "a", "b"], dtype=object)},
            r"missing in 2 of 6 rows \(first: data row 2\)",
        ),
        ({"y": np.array([1.0, 2, np.nan, 4, 5, 6]), "task": "regression"}, "missing in 1 of 6 rows"),
        ({"y": np.array([1.0, 2, 3, np.inf, 5, 6]), "task": "regression"}, "infinite in data row 4"),
        ({"y": np.full(ROWS, 2.5), "task": "regression"}, "constant"),
        ({"y": np.array(["a"] * ROWS)}, "one class only"),
        ({"y": np.array(["a"] * ROWS), "task": "multiclass"}, "one class only"),
        ({"y": np.array(list("abcabc"))}, "3 classes; a binary task needs 2. Use task: multiclass"),
        ({"positive": "c"}, "the positive class 'c' is no class"),
        ({"groups": np.array([1, 1, np.nan, 2, 2, 2])}, "no value of groups in data row 3"),
        ({"time": np.array([1, 1, 3, 2, 2, np.nan])}, "no value of time in data row 6"),
        ({"groups": np.arange(ROWS), "time": np.arange(ROWS)}, "both groups and time"),
        ({"test_rows": np.ones(ROWS, dtype=bool)}, "leaves its training part empty"),
        ({"test_rows": np.zeros(ROWS, dtype=bool)}, "leaves its test part empty"),
        ({"test_rows": np.arange(ROWS) > 2, "groups": np.array([0, 0, 1, 1, 2, 2])}, "divides a group"),
        ({"test_rows": np.arange(ROWS) < 3, "time": np.arange(ROWS)}, "times that are not before"),
        ({"test_rows": np.arange(ROWS) > 2, "time": np.array([0, 1, 2, 2, 3, 4])}, "times that are not before"),
    ],
)
def test_dataset_refuses(changes: dict[str, Any], problem: str) -> None:
    """What no fit or split could use is refused with the place of the first offence."""
    with pytest.raises(UserError, match=problem):
        dataset_of(**changes)


def test_predefined_split_keeps_to_groups_and_time() -> None:
    """A predefined split of whole groups, or of later times, is taken."""
    test = np.arange(ROWS) > 3
    assert dataset_of(test_rows=test, groups=np.array([0, 0, 1, 1, 2, 2])).test_rows is test
    assert dataset_of(test_rows=test, time=np.arange(ROWS)).test_rows is test


def test_positive_class_is_second_unless_named() -> None:
    """The positive class is the second in sorted order; a named one stays, and other tasks have none."""
    assert dataset_of().positive == "b"
    assert dataset_of(positive="a").positive == "a"
    assert dataset_of(y=np.array(list("abcabc")), task="multiclass").positive is None


def test_digest_ignores_memory_layout_and_index() -> None:
    """Equal content has an equal digest: views, Fortran order, blocks, an odd index, text as str or object."""
    values = np.arange(24.0).reshape(6, 4)
    y = np.array(["a", "b"] * 3)
    layouts = [values, np.asfortranarray(values), np.repeat(values, 2, axis=0)[::2]]
    assert len({dataset_of(X=X, y=y, kind="series").digest for X in layouts}) == 1
    frames = [
        frame_of(),
        frame_of().set_index(pd.Index(list("zyxwvu"))),
        frame_of()[["size"]].assign(colour=frame_of()["colour"]),
    ]
    assert len({dataset_of(X=frame).digest for frame in frames}) == 1
    assert dataset_of(y=y.astype(object)).digest == dataset_of(y=y).digest


@pytest.mark.parametrize("row", range(ROWS))
@pytest.mark.parametrize("column", ["size", "colour"])
def test_digest_depends_on_every_cell(row: int, column: str) -> None:
    """Changing a single cell of a frame changes the digest."""
    frame = frame_of().astype({"colour": object})
    frame.loc[row, column] = 99.0 if column == "size" else "green"
    assert dataset_of(X=frame).digest != dataset_of().digest


def test_digest_depends_on_late_rows() -> None:
    """A row far beyond the first ten thousand counts, in arrays and in frames."""
    X = np.zeros((30_000, 2))
    y = np.arange(30_000) % 2
    changed = X.copy()
    changed[29_998, 1] = 1e-9
    for wrap in (np.asarray, pd.DataFrame):
        assert dataset_of(X=wrap(X), y=y).digest != dataset_of(X=wrap(changed), y=y).digest


@pytest.mark.parametrize(
    "changes",
    [
        {"y": np.array(["a", "b", "a", "b", "b", "a"])},
        {"X": frame_of().rename(columns={"size": "length"})},
        {"X": frame_of()[["colour", "size"]]},
        {"X": frame_of().iloc[::-1]},
        {"X": frame_of().assign(more=1)},
        {"positive": "a"},
        {"task": "multiclass"},
        {"categorical": ("colour",)},
        {"groups": np.arange(ROWS)},
        {"time": np.arange(ROWS)},
        {"test_rows": np.arange(ROWS) > 3},
    ],
)
def test_digest_depends_on_every_part(changes: dict[str, Any]) -> None:
    """The target, names and order of columns, positive class, task, groups, time and split all count."""
    assert dataset_of(**changes).digest != dataset_of().digest


def test_digest_ignores_what_changes_no_result() -> None:
    """Name, licence and notes of a data set are not its content."""
    assert replace(dataset_of(), name="other", licence="CC0", notes=("x",)).digest == dataset_of().digest


def test_digest_is_stable_over_processes() -> None:
    """Another process with another hash seed computes the same digest, of text, categories and gaps."""
    code = (
        "import numpy as np, pandas as pd; from bakeoff.datasets import Dataset;"
        "X = pd.DataFrame({'a': [1.5, None, 2], 'b': ['x', None, 'y']});"
        "print(Dataset(name='d', X=X, y=np.array(['p', 'q', 'p']), task='binary').digest)"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        for seed in ("1", "2")
    ]
    X = pd.DataFrame({"a": [1.5, None, 2], "b": ["x", None, "y"]})
    here = Dataset(name="d", X=X, y=np.array(["p", "q", "p"]), task="binary").digest
    assert [run.stdout.strip() for run in runs] == [here, here]


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (["a", "b"], "binary"),
        (["a", "b", "c"], "multiclass"),
        ([True, False], "binary"),
        ([0, 1, 1], "binary"),
        ([0.0, 1.0, np.nan], "binary"),
        ([1, 2, 3], "multiclass"),
        (np.arange(10), "multiclass"),
        (np.arange(11), "regression"),
        (np.arange(11.0), "regression"),
        ([0.5, 1.5], "regression"),
        ([1.0, 2.0, np.inf], "multiclass"),
        (pd.array([1, 2, None], dtype="Int64"), "binary"),
        (pd.Series(["1.5", "2.5", "3.5"]), "multiclass"),
        (pd.Categorical(["a", "b", "a"]), "binary"),
    ],
)
def test_infer_task(y: Any, task: str) -> None:
    """Text, booleans and up to ten different whole numbers are classes; the rest is a regression."""
    assert infer_task(y) == task


CSV = "size,colour,kind,y\n1.5,red,1,yes\n,blue,2,no\n2.5,,1,yes\n3.5,red,2,no\n"


@pytest.mark.parametrize("packed", [False, True])
def test_csv_plain_and_gz(tmp_path: Path, packed: bool) -> None:
    """A CSV file is read, packed or not: gaps stay gaps, text becomes categories, the name is the file's."""
    path = tmp_path / ("toy.csv.gz" if packed else "toy.csv")
    path.write_bytes(gzip.compress(CSV.encode()) if packed else CSV.encode())
    dataset = load(path, target="y")
    assert (dataset.name, dataset.task, dataset.kind) == ("toy", "binary", "tabular")
    assert dataset.categorical == ("colour",)
    assert dataset.X["size"].isna().tolist() == [False, True, False, False]
    assert dataset.X["colour"].isna().tolist() == [False, False, True, False]
    assert dataset.y.tolist() == ["yes", "no", "yes", "no"]
    assert dataset.source == str(path)
    assert "read as a binary task (2 different values" in dataset.notes[0]


@pytest.mark.parametrize(
    ("text", "options", "problem"),
    [
        ("", {}, "is empty; a table needs a header"),
        ("a,y\n", {}, "has a header but no rows"),
        ("a,a,y\n1,2,0\n3,4,1\n", {}, "names the column 'a' more than once"),
        ("a,target\n1,0\n2,1\n", {"target": "tarjet"}, "no column 'tarjet'; did you mean 'target'"),
        ("a,y\n1,0\n2,1\n", {"drop": ("b",), "groups": "g"}, "no column 'g'(.|\n)*no column 'b'"),
        ("a,y\n1,0\n2,\n3,1\n", {}, r"missing in 1 of 3 rows \(first: data row 2\)"),
        ("a,y\n1,0.5\n2,inf\n3,1.5\n", {}, "infinite in data row 2"),
        ("a,y\n1,0.5\n2,big\n3,1.5\n", {"task": "regression"}, "holds 'big' in data row 2; a regression needs numbers"),
        ("a,y\n1,0\n1,2,3\n", {}, "line 3: 3 fields, but the header names 2 columns"),
        ("a,b,y\n1,2,3,0\n4,5,6,1\n", {}, "line 2: 4 fields, but the header names 3"),
        ("a,y\n1,0\ninf,1\n", {}, "column 'a' .* is infinite in data row 2"),
        ("y\n1\n0\n", {}, "no feature columns"),
        ("a,b,y\nx,z,0\ny,w,1\n", {"kind": "text"}, "needs one text column"),
        ("a,b,y\n1,z,0\n2,w,1\n", {"kind": "series"}, "needs numbers, but the column 'b' holds none"),
        ("a,y\n1,0\n2,1\n", {"positive": "2"}, "no class '2'; known: 0, 1"),
        ("a,y\n1,0.5\n2,1.5\n", {"positive": "1"}, "only a binary one has a positive class"),
        ("a,s,y\n1,train,0\n2,dev,1\n", {"split": "s"}, "must hold 'train' and 'test'"),
        ("a,s,y\n1,train,0\n2,test,1\n3,,1\n", {"split": "s"}, "must hold 'train' and 'test'"),
        ("a,t,y\n1,9.1.2020,0\n2,10.1.2020,1\n", {"time": "t"}, "numbers or dates such as 2020-01-31"),
        ("a,g,y\n1,,0\n2,u,1\n", {"groups": "g"}, "no value of groups in data row 1"),
    ],
)
def test_csv_problems(tmp_path: Path, text: str, options: dict[str, Any], problem: str) -> None:
    """Each fault of a file is told as something to mend."""
    with pytest.raises(UserError, match=problem):
        load(write_csv(tmp_path, text), **{"target": "y"} | options)


def test_csv_missing_or_unreadable(tmp_path: Path) -> None:
    """A file that is not there, not UTF-8, or not what its ending says is refused."""
    with pytest.raises(UserError, match="there is no data file"):
        load(tmp_path / "none.csv", target="y")
    latin = tmp_path / "latin.csv"
    latin.write_bytes("a,y\nä,0\nb,1\n".encode("latin-1"))
    with pytest.raises(UserError, match="is not utf-8 text"):
        load(latin, target="y")
    for ending in ("gz", "xz", "bz2"):
        path = tmp_path / f"broken.csv.{ending}"
        path.write_bytes(b"no archive")
        with pytest.raises(UserError, match="can't be unpacked"):
            load(path, target="y")


def test_csv_options(tmp_path: Path) -> None:
    """Groups and dropped columns are no features, a named integer column is a category, and 2 finds the label "2"."""
    text = "id,person,code,size,y\n" + "".join(f"{i},p{i // 2},{i % 3},{i / 2},{i % 2 + 1}\n" for i in range(8))
    dataset = load(
        write_csv(tmp_path, text),
        target="y",
        groups="person",
        drop=("id",),
        categorical=("code",),
        positive="1",
        name="n",
    )
    assert list(dataset.X.columns) == ["code", "size"]
    assert dataset.categorical == ("code",)
    assert dataset.groups is not None
    assert dataset.groups.tolist() == ["p0", "p0", "p1", "p1", "p2", "p2", "p3", "p3"]
    assert (dataset.positive, dataset.name, dataset.n_features) == (1, "n", 2)


def test_csv_time_is_ordered_as_time(tmp_path: Path) -> None:
    """ISO dates become points in time and numbers stay numbers, so that neither is ordered by its letters."""
    dates = load(write_csv(tmp_path, "a,t,y\n1,2020-02-01T09:00,0\n2,2020-01-31,1\n"), target="y", time="t").time
    assert dates is not None
    assert dates.dtype.kind == "M"
    assert dates[1] < dates[0]
    numbers = load(write_csv(tmp_path, "a,t,y\n1,9,0\n2,10,1\n"), target="y", time="t").time
    assert numbers is not None
    assert numbers[0] < numbers[1]


def test_csv_predefined_split(tmp_path: Path) -> None:
    """The column of the split says which rows are test rows, and is no feature."""
    path = write_csv(tmp_path, "a,s,y\n1,train,0\n2,test,1\n3,train,1\n4,test,0\n")
    dataset = load(path, target="y", split="s")
    assert dataset.test_rows is not None
    assert dataset.test_rows.tolist() == [False, True, False, True]
    assert list(dataset.X.columns) == ["a"]


def test_csv_of_text(tmp_path: Path) -> None:
    """A text set is an array of strings; a gap is an empty text."""
    dataset = load(write_csv(tmp_path, "t,y\nhello you,0\n,1\n"), target="y", kind="text")
    assert dataset.X.tolist() == ["hello you", ""]
    assert (dataset.X.ndim, dataset.n_features, dataset.categorical) == (1, 1, ())


def test_from_numpy() -> None:
    """A matrix becomes a frame with named columns; labels keep their type."""
    dataset = load(np.arange(8.0).reshape(4, 2), np.array([True, False, True, False]))
    assert list(dataset.X.columns) == ["x0", "x1"]
    assert dataset.y.dtype == bool
    assert dataset.positive
    assert dataset.categorical == ()


def test_from_object_array() -> None:
    """Numbers in an array of objects stay numbers beside categories."""
    dataset = load(np.array([[1, "a"], [2, "b"], [3, "a"]], dtype=object), [0, 1, 0])
    assert dataset.categorical == ("x1",)
    assert dataset.X["x0"].tolist() == [1, 2, 3]


def test_from_frame_with_int_columns_and_odd_index() -> None:
    """Rows meet targets by position, whatever the index, and column names become text."""
    frame = pd.DataFrame({0: [1.0, 2, 3, 4], 1: list("abab")}, index=[9, 9, 1, 0])
    dataset = load(frame, pd.Series([10, 20, 10, 20], index=[3, 2, 1, 0]))
    assert list(dataset.X.columns) == ["0", "1"]
    assert dataset.X["0"].tolist() == [1, 2, 3, 4]
    assert dataset.y.tolist() == [10, 20, 10, 20]
    assert dataset.categorical == ("1",)
    with pytest.raises(UserError, match="holds 'big' in data row 3"):
        load(frame, ["1", "2", "big", "4"], task="regression")


def test_from_text_and_images() -> None:
    """A vector of strings is one text a row; an array of images is flattened and keeps its shape."""
    text = load(np.array(["one two", "three"]), ["a", "b"], kind="text")
    assert text.X.tolist() == ["one two", "three"]
    images = np.arange(64.0).reshape(4, 1, 4, 4)
    flat = load(images, [0, 1, 0, 1], kind="image")
    assert (flat.X.shape, flat.input_shape, flat.kind) == ((4, 16), (1, 4, 4), "image")
    np.testing.assert_array_equal(flat.X[1], images[1].ravel())
    series = load(images.reshape(4, 16), [0, 1, 0, 1], input_shape=(2, 8))
    assert (series.input_shape, series.kind) == ((2, 8), "series")


@pytest.mark.parametrize(
    ("X", "y", "options", "problem"),
    [
        (np.zeros((4, 2, 2)), [0, 1, 0, 1], {}, "two dimensions"),
        (pd.DataFrame(np.zeros((2, 2)), columns=[["a", "a"], ["b", "c"]]), [0, 1], {}, "one level of names, got 2"),
        (np.zeros((4, 2)), np.zeros((4, 1)), {}, "y must have one dimension"),
        (np.zeros((4, 2)), [0, 1], {}, "X has 4 rows but y has 2"),
        (np.zeros((4, 15)), [0, 1, 0, 1], {"input_shape": (1, 4, 4)}, "does not hold rows of input_shape"),
        (np.zeros((4, 16)), [0, 1, 0, 1], {"kind": "image"}, "does not hold rows of input_shape"),
        (pd.DataFrame(np.zeros((2, 2)), columns=[1, "1"]), [0, 1], {}, "column '1' more than once"),
    ],
)
def test_from_arrays_problems(X: Any, y: Any, options: dict[str, Any], problem: str) -> None:
    """Shapes and names that do not fit are refused."""
    with pytest.raises(UserError, match=problem):
        load(X, y, **options)


def test_arrays_handed_over_are_not_shared() -> None:
    """Changing the array afterwards leaves the labels of the data set as they were."""
    y = np.array([0, 1, 0, 1])
    dataset = load(np.zeros((4, 2)), y)
    y[:] = 7
    assert dataset.y.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("name", ENTRIES)
def test_registered_dataset_is_what_its_entry_says(name: str) -> None:
    """Each named data set loads without a network, with the task, kind, rows and licence of its entry."""
    entry, dataset = ENTRIES[name], load_registered(name)
    assert (dataset.name, dataset.task, dataset.kind, len(dataset.y)) == (name, entry.task, entry.kind, entry.rows)
    assert len(dataset.X) == entry.rows
    assert dataset.licence != "not stated"
    if dataset.input_shape:
        assert dataset.X.shape[1] == np.prod(dataset.input_shape)


def test_registry_is_complete() -> None:
    """The registry holds the five bundled sets, and an unknown name is told with close matches."""
    assert len(ENTRIES) >= 5
    with pytest.raises(UserError, match="no data set 'digit'; did you mean 'digits'"):
        load_registered("digit")
