"""The Hugging Face Hub: data sets by their name, from a local server that speaks the Hub's answers."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi

from bakeoff.api import run_suite
from bakeoff.datasets import load
from bakeoff.errors import UserError
from bakeoff.planning.plan import make_plan
from bakeoff.suites.suite_file import to_suite

Serve = Callable[[Callable[[str], tuple[int, bytes | str, dict[str, str]]]], str]
COMMIT = "c" * 40
OPINIONS = ("what a dull and tired film", "a warm and clever film", "dull dull dull story", "so clever and bright")


class Hub:
    """What the server says; tests may change it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.files: dict[str, dict[str, bytes]] = {}

    def add(self, name: str, file: str, labels: list[int], texts: list[str] | None = None) -> None:
        """Put a file of opinions, told as class labels, on the Hub."""
        rows = len(labels)
        texts = texts or [f"{OPINIONS[label % 2 + 2 * (row % 2)]} {row}" for row, label in enumerate(labels)]
        table = pa.Table.from_pandas(pd.DataFrame({"text": texts[:rows], "label": labels}))
        label = {"names": ["bad", "good"], "_type": "ClassLabel"}
        told = {"info": {"features": {"text": {"dtype": "string", "_type": "Value"}, "label": label}}}
        path = self.folder / "made.parquet"
        pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(told)}), path)
        self.files.setdefault(name, {})[file] = path.read_bytes()

    def answer(self, path: str) -> tuple[int, bytes | str, dict[str, str]]:
        """Answer as the Hub does: a list of the files of a branch, or one of them."""
        self.asked.append(path)
        plain = unquote(path.partition("?")[0])
        for name, files in self.files.items():
            if plain in (f"/api/datasets/{name}/tree/refs/convert/parquet", f"/api/datasets/{name}/tree/{COMMIT}"):
                found = [{"type": "file", "path": file, "size": len(files[file]), "oid": "0" * 40} for file in files]
                return 200, json.dumps(found), {"Content-Type": "application/json"}
            if plain.startswith(f"/api/datasets/{name}/"):
                return 200, json.dumps({"id": name, "sha": COMMIT, "siblings": []}), {}
            file = plain.removeprefix(f"/datasets/{name}/resolve/{COMMIT}/")
            if file in files:
                content = files[file]
                tag = hashlib.sha256(content).hexdigest()
                return 200, content, {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT}
        return 404, "{}", {"X-Error-Code": "RepoNotFound"}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Serve) -> Hub:
    """Serve a Hub on loopback, with a cache of its own."""
    hub = Hub(tmp_path)
    address = serve(hub.answer)
    monkeypatch.setattr("huggingface_hub.HfApi", partial(HfApi, endpoint=address))
    monkeypatch.setattr("time.sleep", lambda _: None)  # between tries
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_PROGRESS_BARS", True)
    hub.add("anna/films", "default/train/0000.parquet", [0, 1] * 20)
    hub.add("anna/films", "default/train/0001.parquet", [1, 0] * 10)
    hub.add("anna/films", "default/test/0000.parquet", [0, 1] * 5)
    return hub


def test_data_set_by_name(hub: Hub) -> None:
    """Parts, class names and kind are the Hub's; a second load fetches nothing, and none needs a connection."""
    dataset = load("huggingface:anna/films")
    assert (dataset.name, dataset.kind, dataset.task) == ("films", "text", "binary")
    assert dataset.classes.tolist() == ["bad", "good"]
    assert (len(dataset.y), int(dataset.test_rows.sum())) == (70, 10)  # type: ignore[union-attr]
    assert dataset.y[:2].tolist() == ["bad", "good"]
    assert dataset.y[40] == "good"  # the second file comes after the first
    assert dataset.source == "Hugging Face data set anna/films"
    hub.files.clear()
    with pytest.raises(UserError, match="the Hub shows no such data set"):
        load("huggingface:anna/films")


def test_offline(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was fetched once loads without a connection; what was not is told in one line."""
    digest = load("huggingface:anna/films").digest
    monkeypatch.setattr("huggingface_hub.HfApi", partial(HfApi, endpoint="http://127.0.0.1:9"))
    assert load("huggingface:anna/films").digest == digest
    with pytest.raises(UserError, match="no answer that can be used, and the data are not in the cache") as problem:
        load("huggingface:anna/other")
    assert "\n" not in str(problem.value)


def test_offline_guesses_nothing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a connection nobody knows whether a set has a test part that was never fetched."""
    digest = load("huggingface:anna/films", splits=["train"]).digest
    monkeypatch.setattr("huggingface_hub.HfApi", partial(HfApi, endpoint="http://127.0.0.1:9"))
    with pytest.raises(UserError, match=r"give config: default and splits: \[train\]|not in the cache"):
        load("huggingface:anna/films")
    assert load("huggingface:anna/films", config="default", splits=["train"]).digest == digest


def test_choices(hub: Hub) -> None:
    """Configurations and parts are chosen by name; one part alone is divided in folds as any other set."""
    hub.add("anna/films", "long/train/0000.parquet", [0, 1] * 15)
    assert len(load("huggingface:anna/films").y) == 70
    alone = load("huggingface:anna/films", config="long")
    assert (len(alone.y), alone.test_rows) == (30, None)
    assert load("huggingface:anna/films", splits=["test"]).test_rows is None
    swapped = load("huggingface:anna/films", splits=["test", "train"], name="swapped")
    assert (swapped.name, int(swapped.test_rows.sum())) == ("swapped", 60)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("source", "options", "problem"),
    [
        ("huggingface:anna/films", {"config": "lang"}, "there is no config 'lang'"),
        ("huggingface:anna/films", {"splits": ["train", "dev"]}, "there is no split 'dev'"),
        ("huggingface:anna/films", {"splits": []}, "the option splits"),
        ("huggingface:anna/films", {"split": "part"}, "there is no column 'part'"),
        ("huggingface:anna/films", {"sha256": "0" * 64}, "no option of a data set"),
        ("huggingface:anna/hidden", {}, "which means that it is not published"),
        ("huggingface:anna/parts", {}, "several to choose from; give splits, from a, b"),
        ("huggingface:anna/none", {}, "no Parquet files of it"),
        ("huggingface:a b/c", {}, "stands OWNER/NAME"),
        ("huggingface:", {}, "stands OWNER/NAME"),
        ("huggingface:anna/broken", {}, "can't be read as .parquet"),
    ],
)
def test_bad_choices(hub: Hub, source: str, options: dict[str, Any], problem: str) -> None:
    """What can't be is told in one line."""
    hub.add("anna/hidden", "default/train/0000.parquet", [0, 1] * 10)
    hub.add("anna/hidden", "default/test/0000.parquet", [-1] * 10)
    hub.add("anna/parts", "default/a/0000.parquet", [0, 1] * 10)
    hub.add("anna/parts", "default/b/0000.parquet", [0, 1] * 10)
    hub.files["anna/none"] = {"README.md": b""}
    hub.files["anna/broken"] = {"default/train/0000.parquet": b"no parquet"}
    with pytest.raises(UserError, match=problem) as told:
        load(source, **options)
    assert "\n" not in str(told.value)


def test_suite(hub: Hub, tmp_path: Path) -> None:
    """A suite names data sets of the Hub, alone or with options, and runs."""
    content = {"name": "h", "datasets": ["huggingface:anna/films"], "models": ["dummy"], "variants": ["default"]}
    board = run_suite(content, out=tmp_path / "run", tracking=False).leaderboard
    assert board["dataset"].tolist() == ["huggingface:anna/films"]
    entry = {"huggingface": "anna/films", "name": "films", "positive": "bad", "splits": ["train"]}
    plan = make_plan(to_suite(content | {"datasets": [entry]}))
    assert plan.datasets["films"].positive == "bad"
    assert plan.datasets["films"].test_rows is None
    with pytest.raises(UserError, match="no key 'split_names'"):
        to_suite(content | {"datasets": [entry | {"split_names": ["train"]}]})
