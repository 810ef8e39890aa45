"""Data sets from files: every format is read as it was written, and every fault is one line that says what to do."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import zstandard
from PIL import Image

from bakeoff.datasets import Dataset, load
from bakeoff.datasets.formats.compressed import open_file
from bakeoff.errors import UserError

ROWS = 30
TABLE = pd.DataFrame(
    {
        "size": np.linspace(0, 1, ROWS).round(3),
        "colour": [("red", "blue", "green")[i % 3] for i in range(ROWS)],
        "y": [("yes", "no")[i % 2] for i in range(ROWS)],
    }
)
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: zstandard.ZstdCompressor().compress(data),
}
ARFF = "@relation r\n@attribute size numeric\n@attribute colour {red,blue,green}\n@attribute y {yes,no}\n@data\n"
TS = "# made\n@problemName P\n@timeStamps false\n@univariate true\n@classLabel true a b\n@data\n"


def check_table(dataset: Dataset) -> None:
    """Compare a data set with the table that was written."""
    assert (dataset.task, dataset.kind, dataset.categorical) == ("binary", "tabular", ("colour",))
    np.testing.assert_allclose(dataset.X["size"], TABLE["size"])
    assert dataset.X["colour"].tolist() == TABLE["colour"].tolist()
    assert dataset.y.tolist() == TABLE["y"].tolist()


def as_csv(separator: str = ",") -> bytes:
    """Write the table as text."""
    return TABLE.to_csv(index=False, sep=separator).encode()


def as_lines() -> bytes:
    """Write the table as JSON lines."""
    return "\n".join(json.dumps(row) for row in TABLE.to_dict("records")).encode()


def as_arff() -> bytes:
    """Write the table in Weka's format."""
    return (ARFF + TABLE.to_csv(index=False, header=False)).encode()


def idx(array: np.ndarray, *, code: int = 8) -> bytes:
    """Write an array of bytes in MNIST's format."""
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.tobytes()


def npz(**arrays: Any) -> bytes:
    """Write arrays as NumPy does."""
    target = io.BytesIO()
    np.savez(target, **arrays)
    return target.getvalue()


def image(array: np.ndarray) -> bytes:
    """Write an image as PNG."""
    target = io.BytesIO()
    Image.fromarray(array).save(target, format="PNG")
    return target.getvalue()


@pytest.mark.parametrize("packer", ["", *PACKERS])
@pytest.mark.parametrize(
    ("ending", "content"),
    [(".csv", as_csv()), (".tsv", as_csv("\t")), (".txt", as_csv()), (".jsonl", as_lines()), (".arff", as_arff())],
)
def test_tables(tmp_path: Path, ending: str, content: bytes, packer: str) -> None:
    """Text tables are read by their ending, packed or not."""
    path = tmp_path / f"toy{ending}{packer}"
    path.write_bytes(PACKERS[packer](content) if packer else content)
    dataset = load(path, target="y")
    check_table(dataset)
    assert (dataset.name, dataset.source) == ("toy", str(path))


@pytest.mark.parametrize("ending", [".parquet", ".feather"])
def test_binary_tables(tmp_path: Path, ending: str) -> None:
    """Parquet and Feather keep their types."""
    path = tmp_path / f"toy{ending}"
    (TABLE.to_parquet if ending == ".parquet" else TABLE.to_feather)(path)
    check_table(load(path, target="y"))


def test_target_by_position(tmp_path: Path) -> None:
    """The target may be the last column, whatever its name; a name wins over a position."""
    path = tmp_path / "toy.csv"
    path.write_bytes(as_csv())
    check_table(load(path, target=-1))
    path.write_text("a,0\n1.5,u\n2.5,v\n3.5,u\n", encoding="utf-8")
    assert load(path, target=0).classes.tolist() == ["u", "v"]


def test_separator_decimal_and_encoding(tmp_path: Path) -> None:
    """A table of semicolons and decimal commas in another encoding is read once that is said."""
    path = tmp_path / "toy.csv"
    path.write_bytes("größe;y\n1,5;ä\n2,5;b\n3,5;ä\n".encode("latin-1"))
    dataset = load(path, target="y", separator=";", decimal=",", encoding="latin-1")
    assert dataset.X["größe"].tolist() == [1.5, 2.5, 3.5]
    assert dataset.classes.tolist() == ["b", "ä"]


def test_a_second_file_is_the_test_part(tmp_path: Path) -> None:
    """Training and test rows of two files make one data set with a predefined split."""
    for name, rows in (("train.csv", TABLE[:20]), ("test.csv", TABLE[20:][["y", "colour", "size"]])):
        rows.to_csv(tmp_path / name, index=False)
    dataset = load(tmp_path / "train.csv", target="y", test=str(tmp_path / "test.csv"))
    check_table(dataset)
    assert dataset.test_rows is not None
    assert dataset.test_rows.tolist() == [row >= 20 for row in range(ROWS)]
    TABLE[["size", "y"]].to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(UserError, match="must have the columns of the training file"):
        load(tmp_path / "train.csv", target="y", test=str(tmp_path / "test.csv"))


def test_checksum(tmp_path: Path) -> None:
    """A file must be the one that was meant."""
    path = tmp_path / "toy.csv"
    path.write_bytes(as_csv())
    check_table(load(path, target="y", sha256=hashlib.sha256(as_csv()).hexdigest().upper()))
    with pytest.raises(UserError, match=r"has the SHA-256 .*; get the file anew"):
        load(path, target="y", sha256="0" * 64)


def test_text(tmp_path: Path) -> None:
    """One column of words is text; of several the option names it, and what looks missing is what somebody wrote."""
    words = ["the quick brown fox", "jumps over it", "NA", "lazy dogs sleep on"]
    path = tmp_path / "t.csv"
    pd.DataFrame({"words": words, "label": list("abab")}).to_csv(path, index=False)
    dataset = load(path, target="label", kind="text")
    assert dataset.X.tolist() == words
    assert load(path, target="label").kind == "text"
    pd.DataFrame({"odd": [1, 2, 3, np.inf], "words": words, "label": list("abab")}).to_csv(path, index=False)
    assert load(path, target="label", text="words").X.tolist() == words


def test_npz_of_each_shape(tmp_path: Path) -> None:
    """Bytes are images and stay bytes, floats are series, matrices are tables, and channels may come last."""
    rng = np.random.default_rng(0)
    y = np.arange(ROWS) % 3
    path = tmp_path / "toy.npz"

    def read(X: np.ndarray, **options: Any) -> Dataset:
        path.write_bytes(npz(X=X, y=y))
        return load(path, **options)

    images = rng.integers(0, 256, (ROWS, 5, 4), dtype=np.uint8)
    dataset = read(images)
    assert (dataset.kind, dataset.input_shape, dataset.X.dtype) == ("image", (1, 5, 4), "u1")
    assert dataset.task == "multiclass"
    np.testing.assert_array_equal(dataset.X, images.reshape(ROWS, -1))
    assert read(images.astype("float32")).input_shape == (5, 4)
    assert read(images.astype("float32"), kind="image").input_shape == (1, 5, 4)
    colour = rng.integers(0, 256, (ROWS, 5, 4, 3), dtype=np.uint8)
    dataset = read(colour)
    assert dataset.input_shape == (3, 5, 4)
    np.testing.assert_array_equal(dataset.X.reshape(ROWS, 3, 5, 4)[:, 1], colour[..., 1])
    assert read(rng.normal(size=(ROWS, 6))).kind == "tabular"
    dataset = read(rng.normal(size=(ROWS, 6)), kind="series")
    assert (dataset.kind, dataset.input_shape) == ("series", (1, 6))
    assert read(images, n_train=20).test_rows.sum() == 10  # type: ignore[union-attr]  # there is a split


def test_npz_with_two_parts(tmp_path: Path) -> None:
    """Keras' way of writing MNIST is a predefined split."""
    X, y = np.zeros((ROWS, 2, 2), np.uint8), np.arange(ROWS) % 2
    (tmp_path / "m.npz").write_bytes(npz(x_train=X[:20], y_train=y[:20], x_test=X[20:], y_test=y[20:]))
    dataset = load(tmp_path / "m.npz")
    assert dataset.y.tolist() == y.tolist()
    assert dataset.test_rows is not None
    assert dataset.test_rows.sum() == 10


def test_idx(tmp_path: Path) -> None:
    """MNIST's files are read in pairs, packed or not, the test part from a second pair."""
    images = np.random.default_rng(0).integers(0, 256, (ROWS, 3, 3), dtype=np.uint8)
    y = (np.arange(ROWS) % 2).astype(np.uint8)
    for part in ("train", "t10k"):
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(y)))
    path = tmp_path / "train-images-idx3-ubyte.gz"
    dataset = load(path, test=str(tmp_path / "t10k-images-idx3-ubyte.gz"), name="mnist")
    assert (dataset.input_shape, len(dataset.y), dataset.X.dtype, dataset.name) == ((1, 3, 3), 2 * ROWS, "u1", "mnist")
    np.testing.assert_array_equal(dataset.X[:ROWS].reshape(images.shape), images)
    (tmp_path / "other").write_bytes(idx(1 - y))
    assert load(path, labels=str(tmp_path / "other")).y.tolist() == (1 - y).tolist()


def test_ts(tmp_path: Path) -> None:
    """Channels, unequal lengths and missing values of the archives' format are read; a second file is the test part."""
    path = tmp_path / "P_TRAIN.ts"
    path.write_text(TS + "1,2,3:4,5,?:a\n1,2:4,5:b\n", encoding="utf-8")
    dataset = load(path)
    assert (dataset.kind, dataset.input_shape, dataset.classes.tolist()) == ("series", (2, 3), ["a", "b"])
    np.testing.assert_array_equal(dataset.X, [[1, 2, 3, 4, 5, np.nan], [1, 2, np.nan, 4, 5, np.nan]])
    assert "2 to 3 steps" in dataset.notes[0]
    (tmp_path / "P_TEST.ts").write_text(TS + "1,2,3,4:4,5,6,7:a\n", encoding="utf-8")
    whole = load(path, test=str(tmp_path / "P_TEST.ts"))
    assert (whole.input_shape, len(whole.y)) == ((2, 4), 3)
    assert whole.test_rows is not None
    assert whole.test_rows.tolist() == [False, False, True]
    path.write_text(TS.replace("@classLabel true a b", "@targetLabel true") + "1,2:0.5\n3,4:1.5\n", encoding="utf-8")
    assert load(path).task == "regression"


def test_folder_of_images(tmp_path: Path) -> None:
    """Folders are classes; grey stays grey, colours are channels, sizes are brought together, train and test kept."""
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        for number in range(3):
            pixels = rng.integers(0, 256, (4, 5), dtype=np.uint8)
            folder = tmp_path / "grey" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number}.png").write_bytes(image(pixels))
            part = tmp_path / "parts" / ("train" if number < 2 else "test") / name
            part.mkdir(parents=True, exist_ok=True)
            (part / f"{number}.png").write_bytes(image(np.stack([pixels] * 3, axis=-1)[: 4 - number]))
    dataset = load(tmp_path / "grey")
    assert (dataset.kind, dataset.input_shape, dataset.X.dtype) == ("image", (1, 4, 5), "u1")
    assert dataset.y.tolist() == ["cat"] * 3 + ["dog"] * 3
    with pytest.raises(UserError, match=r"differ in size.*give image_size"):
        load(tmp_path / "parts")
    dataset = load(tmp_path / "parts", image_size=(4, 4))
    assert dataset.input_shape == (3, 4, 4)
    assert dataset.test_rows is not None
    assert dataset.test_rows.tolist() == [False] * 4 + [True] * 2
    (tmp_path / "grey" / "cat" / "0.png").write_bytes(image(np.zeros((4, 5, 3), np.uint8)))
    assert load(tmp_path / "grey").input_shape == (3, 4, 5)


def test_forecast(tmp_path: Path) -> None:
    """Rows are the last values of one series in the order of time, and training rows come before test rows."""
    days = pd.date_range("2020-01-01", periods=40, freq="D").astype(str)
    frame = pd.DataFrame({"day": days, "value": np.arange(40.0)}).sample(frac=1, random_state=0)
    frame.to_csv(tmp_path / "s.csv", index=False)
    dataset = load(tmp_path / "s.csv", target="value", time="day", lags=5)
    assert (dataset.kind, dataset.task, dataset.input_shape) == ("series", "regression", (1, 5))
    np.testing.assert_array_equal(dataset.X[0], np.arange(5))
    np.testing.assert_array_equal(dataset.y, np.arange(5, 40))
    assert dataset.time is not None
    assert (np.diff(dataset.time) > np.timedelta64(0)).all()
    split = load(tmp_path / "s.csv", target="value", time="day", lags=5, n_train=30)
    assert split.test_rows is not None
    np.testing.assert_array_equal(split.y[split.test_rows], np.arange(30, 40))


def test_codes_keep_their_zeros(tmp_path: Path) -> None:
    """Whole numbers with leading zeros are codes in files too; a nameless first column has pandas' name."""
    path = tmp_path / "t.csv"
    path.write_text(",zip,n,y\n0,01234,1,a\n1,,2,b\n2,99999,3,a\n", encoding="utf-8")
    dataset = load(path, target="y", drop=("Unnamed: 0",))
    assert dataset.categorical == ("zip",)
    assert dataset.X["zip"][[0, 2]].tolist() == ["01234", "99999"]
    assert any("codes with leading zeros" in note for note in dataset.notes)


def test_declared_categories_of_arff(tmp_path: Path) -> None:
    """What Weka's format declares as nominal is a category, numbers too."""
    path = tmp_path / "t.arff"
    path.write_text("@relation t\n@attribute a {0,1}\n@attribute y {u,v}\n@data\n0,u\n1,v\n?,u\n", encoding="utf-8")
    dataset = load(path, target="y")
    assert dataset.categorical == ("a",)
    assert dataset.X["a"][:2].tolist() == ["0", "1"]
    assert dataset.y.tolist() == ["u", "v", "u"]


def test_stray_words_in_a_target_are_told(tmp_path: Path) -> None:
    """A target of numbers but for a word is told, and so is a header of numbers."""
    path = tmp_path / "t.csv"
    path.write_text("0.5,0.25\n" + "".join(f"{n},{n / 7}\n" for n in range(40)) + "1,unknown\n", encoding="utf-8")
    notes = "\n".join(load(path, target=-1).notes)
    assert "numbers but for 1, first 'unknown' in data row 41" in notes
    assert "the columns are called 0.5, 0.25" in notes


def test_what_unpacks_too_large_is_refused(tmp_path: Path) -> None:
    """A small file that unpacks to more than the limit is refused before it fills the memory."""
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"0" * 10**7))
    with open_file(path, limit=10**6) as stream, pytest.raises(UserError, match="unpacks to more than"):
        stream.read()


CSV = b"a,y\n1,0\n2,1\n3,0\n"
NO_PIXELS = np.zeros((2, 3, 3), np.uint8)
FAULTS: list[tuple[str, bytes, dict[str, Any], str]] = [
    # packed files
    ("t.csv.gz", gzip.compress(CSV * 1000, mtime=0)[:-30], {}, "can't be unpacked"),
    ("t.csv.gz", b"no archive", {}, "can't be unpacked"),
    ("t.csv.bz2", bz2.compress(CSV * 1000)[:-20], {}, "can't be unpacked"),
    ("t.csv.xz", lzma.compress(CSV * 1000)[:-20], {}, "can't be unpacked"),
    ("t.csv.zst", b"no archive", {}, "can't be unpacked"),
    # tables of text
    ("t.csv", b"", {}, "is empty"),
    ("t.csv", b"\n\n\n", {}, "is empty"),
    ("t.csv", b"a,y\n", {}, "no rows"),
    ("t.csv", b"a,y\n1,0\n", {}, "one class only"),
    ("t.csv", "a,y\nä,0\nb,1\n".encode("latin-1"), {}, "byte 4.; save it as UTF-8, or give encoding"),
    ("t.csv", CSV.decode().encode("utf-16"), {}, "is not utf-8 text"),
    ("t.csv", CSV, {"encoding": "utf-9"}, "there is no encoding 'utf-9'"),
    ("t.csv", b"a,b,y\n1,2\n1,2,3\n", {}, "line 2: 2 fields, but the header names 3 columns"),
    ("t.csv", b"a,y\n1,0\n1,2,3\n", {}, "line 3: 3 fields"),
    ("t.csv", b'a,y\n"1,0\n2,1\n', {}, "line 3: 1 fields"),
    ("t.csv", b"a,a,y\n1,2,0\n3,4,1\n", {}, "names the column 'a' more than once"),
    ("t.csv", b"a,,y\n1,2,0\n3,4,1\n", {}, "no name for column 2"),
    ("t.csv", b"a;y\n1;0\n2;1\n", {}, "give separator: ';'"),
    ("t.tsv", CSV, {}, "give separator: ','"),
    ("t.csv", CSV, {"separator": "::"}, "option separator"),
    ("t.csv", CSV, {"sep": ";"}, "no option of a data set 'sep'"),
    ("t.csv", CSV, {"target": "z"}, "no column 'z'"),
    ("t.csv", CSV, {"drop": ("y",)}, "'y' .* can't be both dropped and used"),
    ("t.csv", CSV, {"categorical": ("a",), "numeric": ("a",)}, "'a' .* can't be both categorical and numeric"),
    ("t.csv", CSV, {"drop": ("a",), "numeric": ("a",)}, "'a' .* can't be both dropped and read"),
    ("t.csv", CSV, {"drop": "a"}, "the option drop: must be a list, such as"),
    ("t.csv", CSV, {"test": "t.csv", "n_train": 2}, "leave out n_train"),
    ("t.csv", CSV, {"lags": 2, "groups": "a"}, "takes its target, time and n_train only; leave out groups"),
    ("t.csv", CSV, {"lags": 2, "task": "binary"}, "leave out task"),
    ("t.csv", b"t,y\n1,1\n1,2\n2,3\n3,4\n", {"lags": 1, "time": "t"}, "one row for each time, but .* stands twice"),
    ("t.csv", b"a,b,y\n1,2,0\n3,4,1\n", {"input_shape": (1, 5)}, r"holds 5 values, but .* has 2 columns"),
    ("t.csv", b"a,b,y\n1,2,0\n3,4,1\n", {"kind": "image"}, "need input_shape"),
    ("t.csv", b"a,y\n1,yes\n2,no\n", {"positive": True}, "quote them"),
    ("t.csv", CSV, {"image_size": (0, 8)}, "option image_size"),
    ("t.csv", CSV, {"text": "y"}, "'y' .* can't be both target and text"),
    ("t.csv", CSV, {"groups": "a", "weights": "a"}, "'a' .* can't be both groups and weights"),
    ("t.csv", CSV, {"text": "a", "kind": "tabular"}, "a text column but kind 'tabular'"),
    ("t.csv", CSV, {"target": None}, "needs a target, the column to predict; it has 'a', 'y'"),
    ("t.csv", CSV, {"target": 7}, "has 2 columns; there is none at position 7"),
    ("t.csv", CSV, {"sha256": "abc"}, "option sha256"),
    ("t.csv", b"a,y\n1,0\n2,\n3,1\n", {}, "missing in 1 of 3 rows"),
    ("t.csv", b"a,y\n1,5\n2,5\n3,5\n", {"task": "regression"}, "is constant"),
    ("t.csv", b"a,y\n1,k\n2,k\n3,k\n", {}, "one class only"),
    ("t.csv", b"a,y\n1,0\ninf,1\n", {}, "'a' .* is infinite in data row 2"),
    ("t.csv", b"a,y\n1,0.5\n2,inf\n3,1.5\n", {}, "infinite in data row 2"),
    ("t.csv", b"a,y\n1,0.5\n2,big\n3,1.5\n", {"task": "regression"}, "'big' in data row 2; a regression needs numbers"),
    ("t.csv", b"a,w,y\n1,-1,0\n2,1,1\n", {"weights": "w"}, "must be numbers from 0 on.*row 1"),
    ("t.csv", b"a,w,y\n1,0,0\n2,0,1\n", {"weights": "w"}, "zeros only"),
    ("t.csv", CSV, {"n_train": 3}, "none is left for testing"),
    ("t.csv", b"a,s,y\n1,train,0\n2,test,1\n", {"split": "s", "n_train": 1}, "both split and n_train"),
    ("t.csv", CSV, {"lags": 5, "target": "a"}, "too few for lags: 5"),
    ("t.csv", b"a\n1\n\n2\nNA\n3\n4\n5\n", {"lags": 2, "target": "a"}, "has gaps"),
    ("t.csv", CSV, {"input_shape": (0, 4)}, "option input_shape: input_shape is"),
    ("t.csv", CSV, {"kind": "sound"}, "option kind"),
    ("t.csv", CSV, {"task": "ranking"}, "option task"),
    ("t.csv", CSV, {"test": "nowhere.csv"}, "there is no data file 'nowhere.csv'"),
    ("t.csv", b"y\n1\n0\n", {}, "no feature columns"),
    ("t.xlsx", b"PK", {}, "ends in none of"),
    # JSON lines
    ("t.jsonl", b'{"a": 1, "y": 0}\n{"a": 2, "y"\n', {}, "line 2 is no JSON"),
    ("t.jsonl", b"[1, 2]\n", {}, "line 1: each line must be an object"),
    ("t.jsonl", b'{"a": {"b": 1}, "y": 0}\n', {}, "the value of 'a' must be a number or text"),
    ("t.jsonl", b"", {}, "is empty"),
    # ARFF, Parquet, Feather
    ("t.arff", b"@relation r\n@data\n1,2\n", {}, "can't be read as ARFF"),
    ("t.arff", (ARFF + "1,purple,yes\n").encode(), {}, "can't be read as ARFF"),
    ("t.parquet", b"PAR1 no table", {}, "can't be read as .parquet"),
    ("t.feather", b"", {}, "can't be read as .feather"),
    # NPZ
    ("t.npz", b"no archive", {"target": None}, "can't be read as NPZ"),
    ("t.npz", npz(X=NO_PIXELS, y=[0, 1])[:-40], {"target": None}, "can't be read as NPZ"),
    ("t.npz", npz(X=NO_PIXELS), {"target": None}, "holds the keys X; it needs X and y"),
    ("t.npz", npz(X=NO_PIXELS, y=[0, 1, 0]), {"target": None}, "each row needs one label"),
    ("t.npz", npz(X=NO_PIXELS, y=[0, 1]), {"target": "z"}, "no key 'z'"),
    ("t.npz", npz(X=np.zeros((2, 3)), y=np.array([{}, 1], dtype=object)), {"target": None}, "Python objects"),
    ("t.npz", npz(X=np.array([["a"], ["b"]]), y=[0, 1]), {"target": None}, "must hold numbers"),
    ("t.npz", npz(X=np.zeros((2, 1, 1, 1, 1)), y=[0, 1]), {"target": None}, "needs 2 axes"),
    ("t.npz", npz(X=NO_PIXELS, y=[0, 1]), {"target": None, "drop": ("a",)}, "an array without named columns"),
    # IDX
    ("a-images-idx3-ubyte", b"\x12\x34", {"target": None}, "is no IDX file: it begins with 1234"),
    ("a-images-idx3-ubyte", struct.pack(">HBBI", 0, 8, 3, 2), {"target": None}, "ends within its header"),
    ("a-images-idx3-ubyte", struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 4), {"target": None}, "but holds only 0"),
    ("a-images-idx3-ubyte", idx(NO_PIXELS)[:-1], {"target": None}, "18 bytes, but holds only 17"),
    ("a-images-idx3-ubyte", idx(NO_PIXELS) + b"1", {"target": None}, "but holds more than"),
    ("a-images-idx3-ubyte", idx(NO_PIXELS), {"target": None}, "there is no data file .*a-labels-idx1-ubyte"),
    # .ts
    ("t.ts", TS.replace("@classLabel true a b", "@classLabel false").encode() + b"1,2:a\n", {}, "has no class labels"),
    ("t.ts", b"1,2:a\n", {}, "line 1: a .ts file begins with lines such as @problemName"),
    ("t.ts", TS.encode(), {}, "no series after @data"),
    ("t.ts", TS.replace("@data", "").encode(), {}, "no line @data"),
    ("t.ts", TS.encode() + b"1,2:c\n", {}, "line 7: 'c' is no class"),
    ("t.ts", TS.encode() + b"1,2\n", {}, "line 7: a series and its label stand apart by a colon"),
    ("t.ts", TS.encode() + b"1,x:a\n", {}, "line 7: could not convert"),
    ("t.ts", TS.encode() + b"1,2:3,4:a\n1,2:b\n", {}, "series 2 has 1 channels, the first has 2"),
    ("t.ts", TS.replace("@timeStamps false", "@timeStamps true").encode(), {}, "time stamps are not read"),
    ("t.ts", TS.encode() + b"(0,1),(1,2):a\n", {}, "time stamps are not read"),
    ("t.ts", b"\xff\xfe\x00", {}, "is not UTF-8"),
]


@pytest.mark.parametrize(("name", "content", "options", "problem"), FAULTS)
def test_every_fault_is_one_line(
    tmp_path: Path, name: str, content: bytes, options: dict[str, Any], problem: str
) -> None:
    """A malformed file or option is told in one line, with the file, line or key."""
    path = tmp_path / name
    path.write_bytes(content)
    given = {"target": "y"} | options
    if name.endswith(".ts"):
        given.pop("target")
    with pytest.raises(UserError, match=problem) as raised:
        load(path, **{key: value for key, value in given.items() if value is not None})
    assert len(raised.value.problems) == 1
    assert "\n" not in raised.value.problems[0]


def test_faults_of_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders without images, files that are none, and images of other depths are told by their path."""
    with pytest.raises(UserError, match="holds no images"):
        load(tmp_path)
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"a.png is no image that can be read"):
        load(tmp_path)
    (tmp_path / "cat" / "a.png").write_bytes(image(np.zeros((4, 4), np.uint16)))
    with pytest.raises(UserError, match="more than 8 bits"):
        load(tmp_path)
    (tmp_path / "cat" / "a.png").write_bytes(image(np.zeros((40, 40), np.uint8)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # 1600 are more, but not twice as many, which would be refused
    with pytest.raises(UserError, match="decompression bomb"):
        load(tmp_path)


def test_archive_with_a_path_is_refused(tmp_path: Path) -> None:
    """A member named like a path is refused, and nothing is written."""
    path = tmp_path / "slip.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../y.npy", b"")
    with pytest.raises(UserError, match=r"holds the member '../y.npy', a path"):
        load(path)
    assert list(tmp_path.iterdir()) == [path]


def test_archive_that_unpacks_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that promises more than the machine can hold is refused by its directory."""
    path = tmp_path / "bomb.npz"
    with path.open("wb") as target:
        np.savez_compressed(target, X=np.zeros((1000, 1000)), y=np.arange(1000))
    monkeypatch.setattr("bakeoff.datasets.formats.npz.MAX_MEMORY_FRACTION", 1e-6)
    with pytest.raises(UserError, match="more than half of this machine's memory"):
        load(path)


def test_a_header_that_promises_much_allocates_little(tmp_path: Path) -> None:
    """An array in an archive whose header claims more than there is ends in a line, not in a full memory."""
    path = tmp_path / "t.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("X", "y"):
            target = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                target, {"descr": "<f8", "fortran_order": False, "shape": (10**10, 10)}
            )
            archive.writestr(f"{name}.npy", target.getvalue())
    with pytest.raises(UserError, match="can't be read as NPZ"):
        load(path)


def test_origin_and_licence_can_be_given(tmp_path: Path) -> None:
    """A file's origin and licence stand in reports as a user gives them, and change nothing of its content."""
    path = tmp_path / "data.csv"
    path.write_text("a,b,y\n" + "".join(f"{k},{k % 3},{k % 2}\n" for k in range(20)))
    plain = load(path, target="y")
    named = load(path, target="y", origin="UCI, by hand", licence="CC BY 4.0")
    assert (plain.source, plain.licence) == (str(path), "not stated")
    assert (named.source, named.licence) == ("UCI, by hand", "CC BY 4.0")
    assert named.digest == plain.digest
