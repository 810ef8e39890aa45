"""OpenML: data sets and suites by their number, from a local server that speaks OpenML's answers."""

from pathlib import Path

import openml
import pytest
from openml_answers import ARFF, Answers

from bakeoff.api import run_suite
from bakeoff.datasets import load
from bakeoff.datasets.sources.openml import list_openml_suite
from bakeoff.errors import UserError
from bakeoff.planning.plan import make_plan
from bakeoff.suites.suite_file import to_suite


def test_data_set_by_number(server: Answers) -> None:
    """Target, categories, the row's number and columns to ignore are OpenML's; the second load asks nobody."""
    dataset = load("openml:31")
    assert (dataset.name, dataset.task, dataset.licence) == ("credit", "binary", "CC0")
    assert list(dataset.X.columns) == ["amount", "purpose"]
    assert dataset.categorical == ("purpose",)
    assert dataset.X["amount"].isna().sum() == 5
    assert dataset.classes.tolist() == ["bad", "good"]
    assert "OpenML data set 31, version 1" in dataset.source
    server.asked.clear()
    assert load("openml:31").digest == dataset.digest
    assert server.asked == []
    other = load("openml:31", target="purpose", drop=("amount",))
    assert (list(other.X.columns), other.classes.tolist()) == (["class"], ["car", "house"])


def test_offline_and_unknown(server: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    """What OpenML does not have, and that it can't be reached, is told in one line; what is cached still loads."""
    with pytest.raises(UserError, match=r"openml:32: OpenML says: .*Unknown dataset"):
        load("openml:32")
    cached = load("openml:31").digest
    monkeypatch.setattr(openml.config, "server", "http://127.0.0.1:9/api/v1/xml")
    with pytest.raises(UserError, match="can't be reached, and the data are not in the cache"):
        load("openml:31")  # another server has a cache of its own
    monkeypatch.setattr(openml.config, "server", f"{server.address}/api/v1/xml")
    assert load("openml:31").digest == cached


def test_checksum(server: Answers) -> None:
    """What is not what OpenML promised is asked for again, then refused."""
    server.arff = ARFF.replace("car", "cab")
    with pytest.raises(UserError, match="does not have the checksum that it promised"):
        load("openml:31")
    assert server.asked.count("/data/download/31/credit.arff") == 2


def test_suite(server: Answers, tmp_path: Path) -> None:
    """A suite of OpenML stands for its data sets, with the targets of its tasks, and runs."""
    assert [(task.dataset_id, task.target) for task in list_openml_suite(99)] == [(31, "class")]
    content = {"name": "o", "datasets": ["openml-suite:99"], "models": ["dummy"], "variants": ["default"]}
    assert list(make_plan(to_suite(content)).datasets) == ["openml:31"]
    board = run_suite(content, out=tmp_path / "run", tracking=False).leaderboard
    assert board["dataset"].tolist() == ["openml:31"]
    entry = {"openml": 31, "name": "credit", "positive": "bad"}
    assert make_plan(to_suite(content | {"datasets": [entry]})).datasets["credit"].positive == "bad"
    with pytest.raises(UserError, match="openml-suite:98: OpenML says"):
        make_plan(to_suite(content | {"datasets": ["openml-suite:98"]}))
