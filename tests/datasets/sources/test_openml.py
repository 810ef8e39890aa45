"""OpenML: data sets and suites by their number, from a local server that speaks OpenML's answers."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openml
import pytest

from bakeoff.api import run_suite
from bakeoff.datasets import load
from bakeoff.datasets.sources.openml import list_openml_suite
from bakeoff.errors import UserError
from bakeoff.planning.plan import make_plan
from bakeoff.suites.suite_file import to_suite

Serve = Callable[[Callable[[str], tuple[int, str, dict[str, str]]]], str]
ROWS = 40
ARFF = (
    "@relation credit\n@attribute id numeric\n@attribute amount numeric\n@attribute purpose {car,house}\n"
    "@attribute noise numeric\n@attribute class {good,bad}\n@data\n"
    + "".join(
        f"{i},{i * 3 % 17 if i % 9 else '?'},{('car', 'house')[i % 2]},{i % 5},{('good', 'bad')[i // 3 % 2]}\n"
        for i in range(ROWS)
    )
)
NAMES = {"id": "numeric", "amount": "numeric", "purpose": "nominal", "noise": "numeric", "class": "nominal"}
VALUES = {"purpose": ("car", "house"), "class": ("good", "bad")}
PARAMETERS = (
    '<oml:parameter name="number_repeats">1</oml:parameter><oml:parameter name="number_folds">10</oml:parameter>'
)
NS = 'xmlns:oml="http://openml.org/openml"'


def tags(**values: Any) -> str:
    """Write values as OpenML's elements."""
    return "".join(f"<oml:{name}>{value}</oml:{name}>" for name, value in values.items())


class Answers:
    """What the server says, by path; tests may change it."""

    def __init__(self, address: str) -> None:
        self.asked: list[str] = []
        self.arff = ARFF
        self.md5 = hashlib.md5(ARFF.encode()).hexdigest()
        self.address = address

    def get(self, path: str) -> tuple[int, str]:
        """Return the status and the body of an answer."""
        self.asked.append(path)
        if path == "/data/download/31/credit.arff":
            return 200, self.arff
        pages = {
            "/api/v1/xml/data/31": self.about,
            "/api/v1/xml/data/features/31": self.features,
            "/api/v1/xml/study/99": self.study,
            "/api/v1/xml/task/7": self.task,
        }
        if path in pages:
            return 200, f'<?xml version="1.0"?>{pages[path]()}'
        return 412, f"<oml:error {NS}>{tags(code=111, message='Unknown dataset')}</oml:error>"

    def about(self) -> str:
        """Describe the data set."""
        values = tags(id=31, name="credit", version=1, description="Made.", format="ARFF", licence="CC0")
        where = tags(url=f"{self.address}/data/download/31/credit.arff", file_id=31)
        roles = tags(default_target_attribute="class", row_id_attribute="id", ignore_attribute="noise")
        state = tags(visibility="public", status="active", md5_checksum=self.md5)
        return f"<oml:data_set_description {NS}>{values}{where}{roles}{state}</oml:data_set_description>"

    def features(self) -> str:
        """Describe the columns."""
        lines = []
        for index, (name, kind) in enumerate(NAMES.items()):
            values = "".join(tags(nominal_value=value) for value in VALUES.get(name, ()))
            flags = tags(is_target="true" if name == "class" else "false", is_ignore="false", is_row_identifier="false")
            about = tags(index=index, name=name, data_type=kind) + values + flags + tags(number_of_missing_values=0)
            lines.append(f"<oml:feature>{about}</oml:feature>")
        return f"<oml:data_features {NS}>{''.join(lines)}</oml:data_features>"

    def study(self) -> str:
        """Describe the suite."""
        values = tags(id=99, alias="made", main_entity_type="task", name="Made", description="Made.", status="active")
        rest = tags(creation_date="2020-01-01", creator=1)
        parts = f"<oml:data>{tags(data_id=31)}</oml:data><oml:tasks>{tags(task_id=7)}</oml:tasks>"
        return f"<oml:study {NS}>{values}{rest}{parts}</oml:study>"

    def task(self) -> str:
        """Describe the task."""
        source = f"<oml:data_set>{tags(data_set_id=31, target_feature='class')}</oml:data_set>"
        procedure = tags(id=1, type="crossvalidation", data_splits_url="none") + PARAMETERS
        return (
            f"<oml:task {NS}>{tags(task_id=7, task_name='t', task_type_id=1, task_type='Supervised Classification')}"
            f'<oml:input name="source_data">{source}</oml:input><oml:input name="estimation_procedure">'
            f"<oml:estimation_procedure>{procedure}</oml:estimation_procedure></oml:input>"
            f'<oml:input name="evaluation_measures"><oml:evaluation_measures>{tags(evaluation_measure="")}'
            "</oml:evaluation_measures></oml:input></oml:task>"
        )


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Serve) -> Iterator[Answers]:
    """Serve OpenML's answers on loopback, with a cache of its own and without waiting between tries."""
    address = serve(lambda path: (*answers.get(path.split("?")[0]), {}))
    answers = Answers(address)
    monkeypatch.setattr(openml.config, "server", f"{answers.address}/api/v1/xml")
    monkeypatch.setattr(openml.config, "connection_n_retries", 2)
    monkeypatch.setattr(openml._api_calls, "_human_delay", lambda _: 0.0)
    before = openml.config._root_cache_directory
    openml.config.set_root_cache_directory(str(tmp_path / "openml"))
    yield answers
    openml.config.set_root_cache_directory(str(before))


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
