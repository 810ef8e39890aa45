"""Learning curves: where they cross, what is said of it, and that sizes are never mixed."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from bakeoff.api import compare, merge, run_suite
from bakeoff.engines.observers import Silent
from bakeoff.engines.options import RunOptions
from bakeoff.engines.schedule import expected_seconds
from bakeoff.planning.plan import make_plan
from bakeoff.recorded_runs.reproduce import rerun_fit, verify_run
from bakeoff.records.record import SCHEMA_VERSION, Record, parse_record
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports.cells.tables import build_failures
from bakeoff.reports.figures.learning_curves import build_learning_curve_figure
from bakeoff.reports.pages.html import render_html
from bakeoff.reports.pages.markdown import render_markdown
from bakeoff.reports.run_data.fits import failures
from bakeoff.reports.run_data.leaderboard import leaderboard, leaderboard_by_size
from bakeoff.reports.run_data.run import Run, load_run_view
from bakeoff.reports.sections.budget import budget
from bakeoff.reports.sections.learning_table import build_crossings, build_sizes, render_learning_curve
from bakeoff.reports.statistics.crossing import Crossing, bootstrap_crossing, find_crossings
from bakeoff.reports.verdicts.diff import compare_runs
from bakeoff.reports.verdicts.learning_curves import LearningCurve, build_learning_curves
from bakeoff.reports.verdicts.per_dataset import judge_datasets
from bakeoff.running.forecast import make_forecast
from bakeoff.suites.suite_file import to_suite

CommandLine = Any  # the fixture `bakeoff` of conftest
INF = math.inf
METRICS = {
    "accuracy": {"greater_is_better": True, "tasks": ["multiclass"]},
    "rmse": {"greater_is_better": False, "tasks": ["regression"]},
}
SUITE: dict[str, Any] = {
    "name": "grown",
    "datasets": ["wine"],
    "models": ["dummy", "logistic", "decision_tree", "mlp"],
    "variants": ["default"],
    "score_defaults": True,
    "outer_folds": 2,
    "inner_folds": 2,
    "caps": {"epochs": 2},
    "limits": {"seconds": 60, "memory": "2GB"},
}

# A user's estimator that needs forty rows.
HUNGRY = """
from sklearn.dummy import DummyClassifier

class Hungry(DummyClassifier):
    def fit(self, X, y, sample_weight=None):
        if len(X) < 40:
            raise ValueError("needs forty rows")
        return super().fit(X, y)
"""


@pytest.mark.parametrize(
    ("differences", "rows"),
    [
        ([-1, -1, 1], math.sqrt(1000 * 10000)),  # halfway on the logarithm's scale
        ([-1, 3, 1], 100 * 10**0.25),
        ([1, -1, 1], math.sqrt(1000 * 10000)),  # ahead for good, not for the first time
        ([-1, 0, 1], 1000),
        ([0, 1, 1], 100),
        ([1, 2, 1], -INF),
        ([-3, -2, -1], INF),
        ([1, 1, -1], INF),
        ([-1, 1, 0], INF),
    ],
)
def test_where_curves_cross(differences: list[float], rows: float) -> None:
    """From the last size at which it is behind to the next, linear in the logarithm of the rows; or at neither end."""
    (found,) = find_crossings([100, 1000, 10000], [differences])
    assert found == pytest.approx(rows)


def test_interval_of_a_crossing() -> None:
    """Folds that agree give a point, folds that vary an interval around it, and some that never cross an open end."""
    rows = [100, 1000, 10000]
    same = bootstrap_crossing(rows, [[-1, -1, 1]] * 5, seed=0)
    assert (same.low, same.high, same.chance) == (same.at, same.at, 1.0)
    random = np.random.default_rng(0)
    noisy = bootstrap_crossing(rows, np.array([-1, -0.3, 1]) + random.normal(0, 0.5, (10, 3)), seed=0)
    assert 100 < noisy.low < noisy.at < noisy.high < 10000
    assert noisy.is_within
    mixed = bootstrap_crossing(rows, [[-1, -1, 2]] * 6 + [[-1, -1, -1]] * 4, seed=0)
    assert mixed.is_within
    assert mixed.high == INF
    assert 0.8 < mixed.chance < 1
    again = bootstrap_crossing(rows, [[-1, -1, 2]] * 6 + [[-1, -1, -1]] * 4, seed=0)
    assert again == mixed


def test_crossing_in_less_than_half_of_the_resamples_is_none() -> None:
    """Ahead in the mean but behind in most resamples is not within the data; one fold alone has no interval."""
    assert Crossing(at=900, low=500, high=INF, chance=0.5).is_within
    assert not Crossing(at=900, low=500, high=INF, chance=0.49).is_within
    assert not Crossing(at=INF, low=500, high=INF, chance=0.51).is_within
    single = bootstrap_crossing([100, 1000], [[-1, 1]], seed=0)
    assert single.is_within
    assert math.isnan(single.low)


def view_of(
    scores: dict[str, dict[float, list[float | str]]],
    *,
    metric: str = "accuracy",
    scheme: str = "stratified",
    inner: dict[str, float] | None = None,
) -> Run:
    """Build what a report reads of a run: by model and share the outer scores, or statuses, of 1000 training rows."""
    fits, records = [], {}
    task = "regression" if metric == "rmse" else "multiclass"
    for model, by_share in scores.items():
        for train_fraction, values in by_share.items():
            for fold, score in enumerate(values):
                named: dict[str, Any] = {
                    "dataset": "toy",
                    "model": model,
                    "variant": "default",
                    "train_fraction": train_fraction,
                }
                named |= {"fit": f"{model}-{train_fraction}-{fold}", "repeat": 0, "fold": fold}
                named |= {"family": "deep" if model in ("mlp", "cnn") else "classical"}
                fits.append(named)
                is_ok = not isinstance(score, str)
                spent: dict[str, Any] = {
                    "train_rows": 1000 * train_fraction,
                    "test_rows": 1000 / (len(values) - 1 or 1),
                }
                spent |= {"inner_score": (inner or {}).get(model, 0.5), "inner_metric": metric, "cpu_s": 1.0}
                records[named["fit"]] = Record(
                    **named,
                    study="",
                    cell="",
                    data_digest="",
                    split_digest="",
                    task=task,
                    kind="tabular",
                    status="ok" if is_ok else score,  # type: ignore[arg-type]  # a status
                    reason="" if is_ok else "in a mood",
                    metrics={metric: score} if is_ok else {},  # type: ignore[dict-item]  # a number then
                    diagnostics=spent if is_ok else {},
                )
    datasets = {"toy": {"task": task, "scheme": scheme, "primary": metric}}
    plan = {"fits": fits, "datasets": datasets, "metrics": METRICS, "skips": []}
    return Run(plan=plan, records=records, suite={}, provenance={})


def only(view: Run) -> LearningCurve:
    """Return the only learning curve."""
    (curve,) = build_learning_curves(view)
    return curve


def flat(value: float, folds: int = 5) -> list[float | str]:
    """Return the same score on every fold, but for a little."""
    return [value + 0.0001 * (fold - folds // 2) for fold in range(folds)]


def level(values: dict[float, float]) -> dict[float, list[float | str]]:
    """Return scores that folds hardly vary, by share."""
    return {train_fraction: flat(value) for train_fraction, value in values.items()}


def test_correction_is_that_of_the_verdict() -> None:
    """At every size the variance is corrected by what folds of the whole parts have in common: 1 / (k - 1).

    So the verdict and the curve say the same of the whole parts, whatever a cap on rows left of some of them.
    """
    classical, deep = [0.7, 0.72, 0.69, 0.74, 0.7], [0.8, 0.75, 0.78, 0.79, 0.83]
    view = view_of({"svm": {0.1: classical, 1.0: classical}, "mlp": {0.1: deep, 1.0: deep}})  # type: ignore[dict-item]
    capped = {
        fit: replace(record, diagnostics=record.diagnostics | {"train_rows": 300 if record.fold else 50})
        for fit, record in view.records.items()
    }
    view = replace(view, records=capped)
    (verdict,), curve = judge_datasets(view), only(view)
    assert verdict.difference == curve.sizes[-1].difference
    error = np.subtract(deep, classical).std(ddof=1) * math.sqrt(1 / 5 + 1 / 4)
    for size in curve.sizes:
        assert size.difference is not None
        assert size.difference.high - size.difference.mean == pytest.approx(2.7764451 * error)


SVM = level({0.1: 0.7, 0.4: 0.8, 1.0: 0.85})


@pytest.mark.parametrize(
    ("deep", "said"),
    [
        ({0.1: 0.5, 0.4: 0.8, 1.0: 0.9}, "toy: deep overtakes classical at about 400 training rows"),
        ({0.1: 0.6, 0.4: 0.9, 1.0: 0.9}, "toy: deep overtakes classical at about 200 training rows"),
        (
            {0.1: 0.8, 0.4: 0.9, 1.0: 0.9},
            "toy: deep is ahead of classical at every size tried, from 100 to 1,000 training rows",
        ),
        (
            {0.1: 0.5, 0.4: 0.6, 1.0: 0.7},
            "toy: deep does not overtake classical within this data; classical is ahead of deep at every size tried, "
            "from 100 to 1,000 training rows",
        ),
        (
            {0.1: 0.8, 0.4: 0.7, 1.0: 0.7},
            "toy: deep does not overtake classical within this data; classical overtakes deep at about 200 training "
            "rows",
        ),
    ],
)
def test_sentences(deep: dict[float, float], said: str) -> None:
    """Who overtakes whom is said in rows, with an interval, whoever it is."""
    sentence = render_learning_curve(only(view_of({"svm": SVM, "mlp": level(deep)})))
    assert sentence.startswith(said)
    assert sentence.endswith(".")
    errors = {
        model: {train_fraction: [-float(value) for value in values] for train_fraction, values in by_share.items()}
        for model, by_share in {"svm": SVM, "mlp": level(deep)}.items()
    }
    assert render_learning_curve(only(view_of(errors, metric="rmse"))) == sentence  # type: ignore[arg-type]  # numbers


def test_open_interval_in_words() -> None:
    """An interval whose end lies beyond the largest size says so; folds in order of time have none."""
    deep: dict[float, list[float | str]] = {0.1: flat(0.5), 1.0: [0.95, 0.95, 0.95, 0.7, 0.7]}
    svm = {train_fraction: SVM[train_fraction] for train_fraction in (0.1, 1.0)}
    assert "rows (95 %: from " in render_learning_curve(only(view_of({"svm": svm, "mlp": deep})))
    assert "rows to beyond this data)." in render_learning_curve(only(view_of({"svm": svm, "mlp": deep})))
    ordered = only(view_of({"svm": svm, "mlp": deep}, scheme="ordered"))
    assert render_learning_curve(ordered).endswith("training rows.")
    assert all(size.difference and math.isnan(size.difference.p_value) for size in ordered.sizes)


def test_champions_are_chosen_at_each_size_by_inner_scores() -> None:
    """The better inner score stands for its family, however bad its outer scores; a size with a hole is left out."""
    svm = {**SVM, 0.4: [*flat(0.8, 4), "timeout"]}
    view = view_of({"svm": svm, "tree": level({0.1: 0.6, 1.0: 0.6}), "mlp": level({0.1: 0.5, 0.4: 0.9, 1.0: 0.9})})
    inner = {"tree": 0.9}
    curve = only(view)
    assert [size.train_fraction for size in curve.compared] == [0.1, 1.0]
    assert "on some fold no classical model ended well" in curve.sizes[1].why
    chosen = only(view_of({"svm": SVM, "tree": level({0.1: 0.6, 0.4: 0.6, 1.0: 0.6}), "mlp": SVM}, inner=inner))
    assert {size.selected["classical"].most_chosen for size in chosen.sizes} == {("tree", "default")}


def test_nothing_to_compare_is_said() -> None:
    """Without a deep model there is a table of sizes, and a reason why there is no crossing."""
    view = view_of({"svm": SVM})
    curve = only(view)
    assert render_learning_curve(curve) == "toy: no learning curve to compare: no deep model was planned."
    assert build_crossings(view, [curve]).rows[0][1].note == "no deep model was planned"
    assert build_learning_curve_figure(view, curve) is not None
    assert build_learning_curves(view_of({"svm": {1.0: flat(0.5)}})) == []


def test_tables_of_sizes() -> None:
    """One column for each size: differences with their intervals, and means of every model, holes as such."""
    view = view_of({"svm": {**SVM, 0.4: [*flat(0.8, 4), "timeout"]}, "mlp": level({0.1: 0.5, 0.4: 0.9, 1.0: 0.9})})
    crossings = build_crossings(view, build_learning_curves(view))
    assert [column.title for column in crossings.columns] == [
        "Data set",
        "Deep overtakes classical",
        *("10 %", "40 %", "100 %"),
    ]
    row = crossings.rows[0]
    assert row[2].text.startswith("−0.2")  # noqa: RUF001 - a minus sign
    assert row[2].note.startswith("100 rows")
    assert "no classical model ended well" in row[3].note
    sizes = build_sizes(view, "toy", leaderboard_by_size(view))
    assert [column.title for column in sizes.columns] == ["Model", "Variant", "100 rows", "400 rows", "1,000 rows"]
    assert [row[0].text for row in sizes.rows] == ["mlp", "svm"]
    assert sizes.rows[1][3].text == "4/5"


def test_figure_shows_both_champions_and_where_they_cross() -> None:
    """Each family is a line over the sizes with its spread; guides stand at the crossing and its interval's ends."""
    view = view_of({"svm": SVM, "mlp": level({0.1: 0.5, 0.4: 0.8, 1.0: 0.9})})
    curve = only(view)
    figure = build_learning_curve_figure(view, curve)
    assert figure is not None
    classical, deep = figure.traces
    assert list(deep.x) == [100, 400, 1000]
    assert figure.x.is_log
    assert list(deep.y) == pytest.approx([0.5, 0.8, 0.9])
    assert (classical.family, deep.family) == ("classical", "deep")
    crossing = curve.crossings["deep"]
    known = {place for place in (crossing.at, crossing.low, crossing.high) if 100 <= place <= 1000}
    assert {start[0] for start, _ in figure.guides} == known


def test_ranks_and_verdicts_look_at_the_whole_part() -> None:
    """Leaderboard, verdict and diff are those of the run without a learning curve; the budget stands apart."""
    deep = level({0.1: 0.99, 0.4: 0.99, 1.0: 0.7})
    grown = view_of({"svm": SVM, "mlp": deep})
    plain = view_of({"svm": {1.0: SVM[1.0]}, "mlp": {1.0: deep[1.0]}})
    assert leaderboard(grown).equals(leaderboard(plain))
    assert judge_datasets(grown) == judge_datasets(plain)
    assert len(compare_runs(grown, plain)) == 2
    assert {change.change for change in compare_runs(grown, plain)} == {"same"}
    assert [*budget(grown)["part"]] == ["10 % to 40 %", "100 %"] * 2
    assert len(expected_seconds(grown.records.values())) == 6


class Counter(Silent):
    """Progress that counts and keeps the labels of what failed."""

    def __init__(self) -> None:
        self.ran = 0
        self.failed: list[str] = []

    def end(self, record: Record) -> None:
        """Count the record."""
        self.ran += 1
        if not record.ok:
            self.failed.append(record.label)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, dict[str, Any], list[int]]:
    """Run a suite whole, then with a learning curve, then again; give what was known before, and how many fits ran."""
    path, module = tmp_path_factory.mktemp("grown") / "run", tmp_path_factory.mktemp("own")
    (module / "hungry.py").write_text(HUNGRY, encoding="utf-8")
    suite = {**SUITE, "models": [*SUITE["models"], {"import": "hungry:Hungry"}]}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(module)
        patch.syspath_prepend(str(module))
        counts = []
        for shares in (None, ["25%", "60%"], ["60%", 0.25]):
            counter = Counter()
            folder = run_suite(suite, out=path, tracking=False, learning_curve=shares, progress=counter).folder
            counts.append(counter.ran)
            if shares is None:
                before = {"leaderboard": load_run_view(folder), "records": folder.read_records()[0]}
    return folder, before, counts


def test_a_learning_curve_runs_what_is_missing(grown: tuple[RunFolder, dict[str, Any], list[int]]) -> None:
    """On a run without one only the smaller parts are trained, and nothing again; the suite says so."""
    folder, before, counts = grown
    assert counts == [10, 20, 0]
    records, _ = folder.read_records()
    assert {fit: record for fit, record in records.items() if record.train_fraction == 1} == before["records"]
    assert folder.read_suite()["learning_curve"] == [0.25, 0.6]
    assert {record.train_fraction for record in records.values()} == {0.25, 0.6, 1.0}
    view = load_run_view(folder)
    assert leaderboard(view).equals(leaderboard(before["leaderboard"]))
    for record in records.values():
        if record.ok:
            assert record.diagnostics["train_rows"] == pytest.approx(89 * record.train_fraction, abs=1.5)
            assert record.diagnostics["test_rows"] == 89


def test_failures_show_their_share(grown: tuple[RunFolder, dict[str, Any], list[int]], bakeoff: CommandLine) -> None:
    """A model that fails on a smaller part is told with its share everywhere, and counted; its whole fits rank."""
    view = load_run_view(grown[0])
    failed = failures(view)
    assert [*zip(failed["model"], failed["train_fraction"], strict=True)] == [("Hungry", 0.25)] * 2
    (row,) = build_failures(view).rows
    assert [cell.text for cell in row][4:6] == ["25 %: 1.1, 1.2", "ValueError: needs forty rows"]
    labels = {record.label for record in view.records.values() if not record.ok}
    assert labels == {f"wine / Hungry / default / 25 % / repeat 1 fold {fold}" for fold in (1, 2)}
    assert bakeoff("show", str(grown[0].path)) == 1
    assert "25 %: 1.1 1.2" in bakeoff.out
    assert "learning  wine: " in bakeoff.out
    page, markdown = render_html(view), render_markdown(view)
    assert "figure-wine-learning-curve" in page
    for text in (page, markdown):
        assert "Learning curves" in text
        assert "25 %: 1.1, 1.2" in text
        assert "20 fits on smaller training parts used" in text
    assert "30 planned, 28 ok, 2 failed" in markdown


def test_points_of_a_curve_can_be_run_again(grown: tuple[RunFolder, dict[str, Any], list[int]]) -> None:
    """A fit on a smaller part comes out the same, alone and in a sample of all."""
    folder, _, _ = grown
    suite = {**folder.read_suite(), "models": SUITE["models"]}
    folder.suite_file.write_text(yaml.safe_dump(suite), encoding="utf-8")
    record = next(one for one in folder.read_records()[0].values() if one.train_fraction == 0.25 and one.model == "mlp")
    assert rerun_fit(folder, record.fit).same
    lines = [one for one in folder.read_records()[0].values() if one.model != "Hungry"]
    folder.write_records(lines)
    labels: list[str] = []
    found = verify_run(folder, sample=4, callback=lambda one: labels.append(one.before.label))
    assert found["equal"] == 4
    assert any(" % / " in label for label in labels)


def test_mlflow_never_mixes_sizes(grown: tuple[RunFolder, dict[str, Any], list[int]], tmp_path: Path) -> None:
    """Each size is a child of its own, named and tagged with its share, with its own folds as steps."""
    from bakeoff.tracking.tracker import mirror_run

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    first = mirror_run(grown[0], uri)
    from mlflow import MlflowClient  # quietly: old ones warn while they are imported

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("grown")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], max_results=100)
    children = {run.info.run_name: run for run in runs if "dataset" in run.data.tags}
    assert len(children) == first.written == len({one.model for one in grown[0].read_records()[0].values()}) * 3
    assert {
        children[name].data.tags["train_fraction"] for name in ("mlp · default · wine", "mlp · default · 25 % · wine")
    } == {
        "1",
        "0.25",
    }
    for run in children.values():
        assert len(client.get_metric_history(run.info.run_id, "outer_fold/cpu_s")) == 2  # failed fits have one, too
    assert children["mlp · default · 60 % · wine"].data.metrics["train_rows"] == pytest.approx(53.4, abs=1)
    assert mirror_run(grown[0], uri).unchanged == first.written


def test_shards_of_a_learning_curve_are_joined(tmp_path: Path) -> None:
    """Shards divide the points of a curve, too; a part with a curve and one without become one run with it."""
    suite = {**SUITE, "models": ["dummy", "logistic"], "learning_curve": ["50%"]}
    parts = [run_suite(suite, out=tmp_path / str(k), shard=f"{k}/2", tracking=False).path for k in (1, 2)]
    whole = merge(parts, tmp_path / "whole").folder
    records = whole.read_records()[0]
    assert sorted(record.train_fraction for record in records.values()) == [0.5] * 4 + [1.0] * 4
    more = run_suite({**suite, "learning_curve": [0.25]}, out=tmp_path / "more", tracking=False).path
    merged = merge([str(whole.path), more], tmp_path / "merged").folder
    assert merged.read_suite()["learning_curve"] == [0.25, 0.5]
    again = run_suite(to_suite(merged.read_suite()), out=merged.path, tracking=False)
    assert again.finished is not None
    assert again.finished.ran == 0


def test_forecast_knows_the_sizes() -> None:
    """Each size is tried for itself: what the whole part takes says little of a tenth of it."""
    plan = make_plan(to_suite({**SUITE, "models": ["dummy"], "learning_curve": [0.5]}))
    made = make_forecast(plan, limit_s=30, options=RunOptions(in_process=True), progress=Silent())
    assert [(row.train_fraction, row.fits) for row in made.rows] == [(1.0, 2), (0.5, 2)]
    assert [row["train_fraction"] for row in made.as_dict()["rows"]] == [1.0, 0.5]


def test_learning_curve_in_python() -> None:
    """`compare` takes shares, and its result knows the curves."""
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 2
    result = compare(X, y, models=["dummy", "logistic"], folds=2, learning_curve=["50%"])
    (curve,) = result.learning_curves
    assert [size.rows for size in curve.sizes] == [15, 30]
    assert {*result.fits["train_fraction"]} == {0.5, 1.0}
    assert len(result.leaderboard) == 2


def test_learning_curve_on_the_command_line(
    bakeoff: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The option sets the suite's key; what is no share, or too small a one, is told in a line."""
    monkeypatch.chdir(tmp_path)
    content = {**SUITE, "models": ["dummy", "logistic"]}
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    assert bakeoff("check", "suite.yaml", "--learning-curve", "25%,50%") == 0
    assert "learning curve: trained on 22, 44 of 89 training rows, too" in bakeoff.out
    assert bakeoff("run", "suite.yaml", "--no-tracking", "--in-process", "--learning-curve", "50%") == 0
    assert "learning  wine: no learning curve to compare: no deep model was planned." in bakeoff.out
    assert yaml.safe_load((tmp_path / "runs/grown/suite.yaml").read_text(encoding="utf-8"))["learning_curve"] == [0.5]
    assert bakeoff("run", "suite.yaml", "--no-tracking", "--learning-curve", "120%") == 2
    assert "learning_curve[0]: a share of the training part lies between 0 and 1" in bakeoff.err
    assert bakeoff("run", "suite.yaml", "--no-tracking", "--learning-curve", "1%") == 2
    assert "learning_curve: 1 % of a training part of 'wine' is too little" in bakeoff.err


def test_old_names_and_old_plans_are_read(tiny_run: RunFolder, tmp_path: Path) -> None:
    """A line or a plan that says nothing of fractions is of the whole part, and `share` is read; wrong is no record."""
    record = next(iter(tiny_run.read_records()[0].values()))
    line = json.loads(record.to_json())
    assert line.pop("train_fraction") == 1.0
    assert parse_record(json.dumps(line)) == record
    old = parse_record(json.dumps(line | {"schema": 1, "share": 0.25}))
    assert (old.train_fraction, old.schema) == (0.25, SCHEMA_VERSION)
    with pytest.raises(ValueError, match="wrong type of train_fraction"):
        parse_record(json.dumps(line | {"train_fraction": "half"}))
    view = load_run_view(tiny_run)
    for name in ({}, {"share": 1.0}):
        folder = RunFolder(tmp_path / "before")
        shutil.copytree(tiny_run.path, folder.path, dirs_exist_ok=True)
        plan = tiny_run.read_json("plan.json")
        fits = [{key: value for key, value in fit.items() if key != "train_fraction"} | name for fit in plan["fits"]]
        folder.write_json("plan.json", plan | {"fits": fits})
        before = load_run_view(folder)
        assert leaderboard(before).equals(leaderboard(view))
        assert "Learning curves" not in render_markdown(before)
