"""The command line: what it prints, its exit codes, and one clear line for each mistake."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import MakeStore

from bakeoff.records.run_folder import RunFolder

HEAVY = ("torch", "sklearn", "mlflow", "xgboost", "pandas", "optuna")

SUITE = """
name: mine
datasets: [{{file: data.csv, target: y{more}}}]
models: [dummy]
variants: [default]
outer_folds: {folds}
"""


OWN_SVC = "name: a\ndatasets: [wine]\nmodels: [{{import: 'sklearn.svm:SVC', {}}}]"


CommandLine = Any  # the fixture `bakeoff` of conftest


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_suite(folder: Path, csv: str | bytes, *, folds: int = 2, more: str = "") -> str:
    """Write a data file and a suite over it; return the suite's path."""
    content = csv if isinstance(csv, bytes) else csv.encode()
    (folder / "data.csv").write_bytes(content)
    (folder / "suite.yaml").write_text(SUITE.format(folds=folds, more=more), encoding="utf-8")
    return str(folder / "suite.yaml")


def rows(*targets: str) -> str:
    """Return a CSV with one feature and the given targets."""
    return "a,y\n" + "".join(f"{number},{target}\n" for number, target in enumerate(targets))


def test_help_is_light() -> None:
    """--help answers without importing any of the heavy libraries."""
    code = f"""
import sys
sys.argv = ["bakeoff", "--help"]
from bakeoff import cli
try:
    cli.main()
except SystemExit:
    pass
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip().endswith("[]")
    assert "Usage: bakeoff" in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "run",
        "compare",
        "describe",
        "check",
        "merge",
        "list",
        "show",
        "report",
        "diff",
        "rerun",
        "verify",
        "track",
        "ui",
        "export",
        "schema",
        "doctor",
    ],
)
def test_every_command_has_help(command: str, bakeoff: CommandLine) -> None:
    """Each command says what it is for."""
    assert bakeoff(command, "--help") == 0
    assert f"Usage: bakeoff {command}" in bakeoff.out


@pytest.mark.parametrize(
    ("csv", "folds", "more", "message"),
    [
        ("", 2, "", "is empty; a table needs a header row and data rows"),
        ("a,y\n", 2, "", "has a header but no rows"),
        (rows("0", "1", "0", "1"), 1, "", "outer_folds: Input should be greater than or equal to 2, got 1"),
        (
            rows("0", "1", "0", "0"),
            3,
            "",
            "3 folds need at least 3 rows in its smallest class; the data set 'data' has 1",
        ),
        (rows("1", "1", "1", "1"), 2, "", "has one class only"),
        ("a,Y\n1,0\n2,1\n", 2, "", "there is no column 'y'; did you mean"),
        (rows("0.5", "", "1.5"), 2, "", "is missing in 1 of 3 rows (first: data row 2)"),
        (rows("0.5", "inf", "1.5"), 2, ", task: regression", "is infinite in data row 2"),
        ("a,a,y\n1,2,0\n2,3,1\n", 2, "", "names the column 'a' more than once"),
        (rows("x", "y", "x", "y"), 2, ", positive: z", "there is no class 'z'"),
        (b"a,y\n\xff\xfe,1\n2,0\n", 2, "", "is not utf-8 text"),
        (rows("x", "y", "x", "y"), 2, ", task: regression", "a regression needs numbers"),
        (rows("0", "1", "0", "1"), 2, ", colour: red", "datasets[0].colour: there is no key 'colour'"),
    ],
)
def test_bad_data_is_one_clear_line(
    csv: str | bytes, folds: int, more: str, message: str, tmp_path: Path, bakeoff: CommandLine
) -> None:
    """A mistake in data or suite ends with exit code 2, one line that says what to do, and nothing written."""
    suite = write_suite(tmp_path, csv, folds=folds, more=more)
    assert bakeoff("run", suite, "--out", str(tmp_path / "run")) == 2
    told = bakeoff.err.strip().splitlines()
    assert len(told) == 1, told
    assert told[0].startswith("bakeoff: error: ")
    assert message in told[0]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "name: a\ndatasets: [wine]\nmodels: [{import: 'sklearn.svm:SVC', preprocessor: bogus}]",
            "there is no preprocessor 'bogus'",
        ),
        (
            "name: a\ndatasets: [wine]\nmodels: [{import: 'sklearn.svm:SVC', params: {zz: 1}}]",
            "can't be built with {'zz': 1}",
        ),
        ("name: a\ndatasets: [wine]\nmodels: [ridge]", "models: ridge fits none of the data sets"),
        ("", "is empty; a suite needs at least `name` and `datasets`"),
        ("name: [", "is no valid YAML: line 1"),
        ("- wine", "holds a list; a suite is a mapping"),
        ("name: a\ndatasets: [wine]\nfolds: 3", "there is no key 'folds'; did you mean 'outer_folds'"),
        ("name: a\ndatasets: [wines]", "datasets[0]: there is no data set 'wines'; did you mean 'wine'?"),
        (
            "name: a\ndatasets: [wine]\nmodels: [xgbost]",
            "models[0]: there is no model 'xgbost'; did you mean 'xgboost'",
        ),
        ("name: a\ndatasets: [wine]\nmetrics: [acuracy]", "there is no metric 'acuracy'; did you mean 'accuracy'"),
        (
            "name: a\ndatasets: [wine]\nprimary: {multiclass: rmse}",
            "'rmse' does not judge multiclass tasks. Choose one of: ",
        ),
        ("name: a/b\ndatasets: [wine]", "a name becomes a folder"),
        ("name: a\ndatasets: [{file: no.csv, target: y}]", "there is no data file"),
        ("name: a\ndatasets: [wine]\nmodels: [{import: 'no.such:Thing'}]", "can't import 'no.such:Thing'"),
        (
            "name: a\ndatasets: [wine]\nmodels: [{name: mlp, params: {widht: 3}}]",
            "no parameter 'widht'; did you mean 'width'",
        ),
    ],
)
def test_bad_suite_is_one_clear_line(text: str, message: str, tmp_path: Path, bakeoff: CommandLine) -> None:
    """A mistake in a suite ends `check` and `run` with exit code 2 and the path of the key."""
    path = tmp_path / "suite.yaml"
    path.write_text(text, encoding="utf-8")
    for command in (["check", str(path)], ["run", str(path), "--out", str(tmp_path / "run")]):
        assert bakeoff(*command) == 2
        told = bakeoff.err.strip().splitlines()
        assert len(told) == 1, told
        assert message in told[0]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "quickstrt"], "there is no suite 'quickstrt'; did you mean 'quickstart'?"),
        (["run", "no/such.yaml"], "there is no suite file 'no/such.yaml'"),
        (["run", "smoke", "--models", "mpl"], "there is no model 'mpl'; did you mean 'mlp'"),
        (["run", "smoke", "--models", " , "], "names, separated by commas, are needed"),
        (["run", "smoke", "--datasets", "digits"], "in this suite there is no data set 'digits'"),
        (["show", "nowhere"], "there is no run in 'nowhere'"),
        (["report", "nowhere"], "there is no run in 'nowhere'"),
        (["track", "nowhere"], "there is no run in 'nowhere'"),
        (["list", "model"], "there is no listing 'model'; did you mean 'models'"),
        (["ui", "--runs", "nowhere"], "run a suite first"),
        (["compare", "nowhere.csv", "--target", "y"], "there is no data file"),
        (["run"], "Missing argument 'SUITE'"),
        (["run", "smoke", "--wokers", "2"], "No such option: --wokers"),
    ],
)
def test_bad_words_exit_with_2(words: list[str], message: str, here: Path, bakeoff: CommandLine) -> None:
    """A wrong word on the command line is told without a traceback, and nothing is written."""
    assert bakeoff(*words) == 2
    told = bakeoff.err
    assert message in told
    assert "Traceback" not in told
    assert list(here.iterdir()) == []


def test_run_show_report_track(here: Path, bakeoff: CommandLine, empty_mlflow_store: MakeStore) -> None:
    """The main job on a file of one's own: run, run again, show, report, track."""
    suite = write_suite(here, rows(*["no", "yes"] * 20), more=", positive: 'yes', name: mine")
    empty_mlflow_store(here / "runs" / "mlflow.db")
    assert bakeoff("run", suite) == 0
    told = bakeoff.out
    assert "2 fits run, 0 found recorded, 0 failed" in told
    assert all(str(Path("runs/mine") / name) in told for name in ("report.html", "report.md"))
    assert "bakeoff ui" in told
    assert bakeoff("run", suite) == 0
    assert "nothing to run: all 2 fits are recorded already" in bakeoff.out
    assert bakeoff("show", "runs/mine") == 0
    assert "mine, ranked by roc_auc" in bakeoff.out
    Path("runs/mine/report.html").unlink()
    assert bakeoff("report", "runs/mine") == 0
    assert Path("runs/mine/report.html").is_file()
    assert bakeoff("track", "runs/mine") == 0
    assert "0 child runs written, 1 unchanged" in bakeoff.out


def test_failed_fits_exit_with_1(here: Path, bakeoff: CommandLine) -> None:
    """A run with failed fits ends with 1, shows each with its reason, and so does `show`."""
    (here / "brokenmodel.py").write_text(
        "from sklearn.dummy import DummyClassifier\n"
        "class Broken(DummyClassifier):\n"
        "    def fit(self, X, y, sample_weight=None):\n"
        "        raise ValueError('no [bold]luck[/bold]')\n",
        encoding="utf-8",
    )
    models = "[dummy, {import: 'brokenmodel:Broken'}]"
    text = f"name: broken\ndatasets: [wine]\nmodels: {models}\nvariants: [default]\nouter_folds: 2\n"
    (here / "suite.yaml").write_text(text, encoding="utf-8")
    assert bakeoff("run", "suite.yaml", "--no-tracking") == 1
    assert bakeoff("show", "runs/broken") == 1
    told = bakeoff.out
    assert "ValueError: no [bold]luck[/bold]" in told
    assert "2 fits without scores" in told


def test_compare_needs_no_suite(here: Path, bakeoff: CommandLine) -> None:
    """`compare` runs models on a CSV file by its target alone."""
    lines = "".join(f"{i},{'ab'[i % 2]},{i * 0.5 + i % 3}\n" for i in range(40))
    (here / "house.csv").write_text("size,kind,price\n" + lines, encoding="utf-8")
    words = ["compare", "house.csv", "--target", "price", "--models", "dummy,ridge", "--no-tracking"]
    assert bakeoff(*words) == 0
    told = bakeoff.out
    assert "house, ranked by rmse" in told
    assert Path("runs/compare-house/report.html").is_file()


def test_compare_takes_any_source(here: Path, bakeoff: CommandLine) -> None:
    """`compare` runs on made data and on arrays too, with options in the words of a suite."""
    words = ["--models", "dummy,minirocket", "--folds", "2", "--no-tracking"]
    assert bakeoff("compare", "parity", "--set", "rows=60", "--set", "difficulty=hard", *words) == 0
    assert "parity, ranked by roc_auc" in bakeoff.out
    np.savez(here / "waves.npz", X=np.random.default_rng(0).normal(size=(40, 2, 30)), y=np.arange(40) % 2)
    assert bakeoff("compare", "waves.npz", "--set", "kind=series", *words) == 0
    assert Path("runs/compare-waves/audit.json").is_file()


def test_describe(here: Path, bakeoff: CommandLine) -> None:
    """`describe` shows columns, target and what is odd, for a reader and as JSON."""
    lines = "".join(f"{i},{'ab'[i % 2]},7,{'yes' if i % 3 else 'no'}\n" for i in range(60))
    (here / "t.csv").write_text("id,kind,same,y\n" + lines, encoding="utf-8")
    assert bakeoff("describe", "t.csv", "--target", "y") == 0
    told = " ".join(bakeoff.out.split())
    for part in ("t: tabular, binary", "no 33.3% (20)", "'same' has one value only", "'id' has another value in"):
        assert part in told
    assert bakeoff("describe", "t.csv", "--target", "-1", "--drop", "id,same", "--json") == 0
    about = json.loads(bakeoff.out)
    assert [column["name"] for column in about["columns"]] == ["kind"]
    assert about["target"]["classes"] == {"no": 20, "yes": 40}
    assert bakeoff("describe", "moons") == 0
    assert "nothing odd was found" in bakeoff.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["t.csv"], "needs a target, the column to predict; it has 'a', 'y'"),
        (["t.csv", "--target", "y", "--set", "kind"], "--set takes KEY=VALUE"),
        (["t.csv", "--target", "y", "--set", "target=a"], "target is given twice"),
        (["t.csv", "--target", "y", "--set", "colour=red"], "no option of a data set 'colour'"),
        (["t.csv", "--target", "y", "--set", "drop=[a"], "is no value; lists are written [a, b]"),
        (["mons"], "no data set 'mons'; did you mean 'moons'"),
        (["openml:x"], "after openml: stands the number"),
        (["nowhere.parquet", "--target", "y"], "there is no data file"),
    ],
)
def test_describe_tells_mistakes(here: Path, bakeoff: CommandLine, words: list[str], message: str) -> None:
    """A mistake in the source or the options is one line and exit code 2."""
    (here / "t.csv").write_text("a,y\n1,0\n2,1\n", encoding="utf-8")
    assert bakeoff("describe", *words) == 2
    assert message in bakeoff.err
    assert len(bakeoff.err.strip().splitlines()) == 1


def test_listings(bakeoff: CommandLine) -> None:
    """Models, data sets, suites and metrics are listed by the names that suites use."""
    for what, name in (("models", "lstm"), ("datasets", "diabetes"), ("suites", "quickstart"), ("metrics", "brier")):
        assert bakeoff("list", what) == 0
        assert name in bakeoff.out


def test_check_says_what_runs_and_what_does_not(bakeoff: CommandLine) -> None:
    """`check` shows fits for each data set and model, and each reason for leaving one out."""
    assert bakeoff("check", "quickstart") == 0
    told = " ".join(bakeoff.out.split())
    assert "breast_cancer: binary, tabular, 569 rows x 30 values, 2 classes, positive class 1" in told
    assert "skipped: nothing to tune: dummy (tuned)" in told
    assert "fits in all" in told


def test_schema_is_json(bakeoff: CommandLine) -> None:
    """`schema` prints a JSON schema that knows the keys of a suite."""
    assert bakeoff("schema") == 0
    assert {"datasets", "models", "tuning"} <= set(json.loads(bakeoff.out)["properties"])


def test_doctor_tells_versions_and_threads(bakeoff: CommandLine) -> None:
    """`doctor` tells what fits would see."""
    assert bakeoff("doctor") == 0
    told = bakeoff.out
    assert all(word in told for word in ("torch", "scikit-learn", "gpu", "free memory", "torch_threads"))


def test_version(bakeoff: CommandLine) -> None:
    """--version prints the version of the package."""
    from bakeoff import __version__

    assert bakeoff("--version") == 0
    assert bakeoff.out.strip() == __version__


@pytest.mark.parametrize("variant", ["default", "tuned"])
def test_export_saves_a_pipeline(variant: str, tiny_run: RunFolder, tmp_path: Path, bakeoff: CommandLine) -> None:
    """`export` refits a model on all rows; the file predicts when it is loaded."""
    import joblib
    from sklearn.datasets import load_wine

    path = tmp_path / "model.joblib"
    words = ["--dataset", "wine", "--model", "logistic", "--variant", variant, "--out", str(path)]
    assert bakeoff("export", str(tiny_run.path), *words) == 0
    X, y = load_wine(return_X_y=True, as_frame=True)
    assert joblib.load(path).score(X, y) > 0.95
    assert str(path) in bakeoff.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--dataset", "wines", "--model", "logistic"], "no data set 'wines'; did you mean 'wine'"),
        (["--dataset", "wine", "--model", "mpl"], "no model 'mpl'; did you mean 'mlp'"),
        (["--dataset", "wine", "--model", "dummy", "--variant", "tuned"], "no variant 'tuned'"),
        (["--dataset", "wine", "--model", "mlp", "--out", "no/such/folder/x.joblib"], "does not exist; create it"),
    ],
)
def test_export_of_what_is_not_there(words: list[str], message: str, tiny_run: RunFolder, bakeoff: CommandLine) -> None:
    """What the run does not hold is named, with close matches."""
    assert bakeoff("export", str(tiny_run.path), *words) == 2
    assert message in bakeoff.err


def test_closed_pipe_is_no_error(tmp_path: Path) -> None:
    """`bakeoff list models | head -1` ends quietly."""
    command = f"{sys.executable} -m bakeoff.cli.app list models | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, timeout=60)
    assert "Traceback" not in done.stderr


def test_ui_serves_and_stops(tmp_path: Path, empty_mlflow_store: MakeStore) -> None:
    """`ui` prints its URL when the page answers, and Ctrl-C stops the server with all its processes."""
    import signal
    import urllib.request

    import psutil

    empty_mlflow_store(tmp_path / "mlflow.db")
    command = [sys.executable, "-m", "bakeoff", "ui", "--runs", str(tmp_path), "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        url: Any = process.stdout.readline().split()[1]
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(url, timeout=10) as page:
            assert b"mlflow" in page.read().lower()
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    _, alive = psutil.wait_procs(family, timeout=15)
    assert not alive


@pytest.mark.slow
def test_help_answers_at_once() -> None:
    """--help takes less than half a second (the best of five, for busy machines)."""
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "bakeoff", "--help"], capture_output=True, check=True, timeout=60)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--workers", "none"], "a number from 1, or auto; got 'none'"),
        (["--workers", "0"], "a number from 1, or auto"),
        (["--shard", "3/2"], "--shard takes K/N"),
        (["--dask", "local", "--in-process"], "exclude each other"),
        (["--dask", "tcp://127.0.0.1:9", "--workers", "2"], "has no meaning on a cluster"),
        (["--in-process", "--workers", "2"], "runs one fit at a time"),
    ],
)
def test_bad_engines_are_one_clear_line(words: list[str], message: str, here: Path, bakeoff: CommandLine) -> None:
    """An engine that can't be had is the user's mistake, told before anything is written."""
    assert bakeoff("run", "smoke", "--no-tracking", *words) == 2
    assert message in " ".join(bakeoff.err.replace("│", " ").split())
    assert "Traceback" not in bakeoff.err
    assert not (here / "runs").exists()


def test_shards_are_merged(here: Path, bakeoff: CommandLine) -> None:
    """Two shards and a merge, from the command line; a part that is missing is told and exits with 1."""
    (here / "suite.yaml").write_text(
        "{name: two, datasets: [wine], models: [dummy, knn], variants: [default], outer_folds: 4}", encoding="utf-8"
    )
    for number in (1, 2):
        assert bakeoff("run", "suite.yaml", "--no-tracking", "--workers", "auto", "--shard", f"{number}/2") == 0
    parts = [f"runs/two-shard-{number}-of-2" for number in (1, 2)]
    assert bakeoff("merge", parts[0], "--out", "runs/two") == 1
    assert "note: not among the parts: shard 2/2" in bakeoff.out
    assert bakeoff("merge", *parts, "--out", "runs/two") == 0
    assert "8 of 8 fits are recorded" in bakeoff.out
    assert bakeoff("show", "runs/two") == 0
    assert bakeoff("run", "suite.yaml", "--no-tracking") == 0
    assert "nothing to run: all 8 fits are recorded already" in bakeoff.out
    assert bakeoff("merge", "nowhere", "--out", "runs/three") == 2
    assert "there is no run in 'nowhere'" in bakeoff.err


def test_forecast_is_kept_for_the_run(here: Path, bakeoff: CommandLine) -> None:
    """`check --forecast` prints what to expect; the run says afterwards how far off that was."""
    (here / "suite.yaml").write_text(
        "{name: fore, datasets: [wine], models: [dummy, knn], variants: [default], outer_folds: 4}", encoding="utf-8"
    )
    assert bakeoff("check", "suite.yaml", "--forecast", "--limit", "20", "--workers", "1") == 0
    assert "8 fits, 1 at once: about" in bakeoff.out
    assert "runs/fore/forecast.json" in bakeoff.out
    assert bakeoff("run", "suite.yaml", "--no-tracking", "--workers", "1") == 0
    assert "were foreseen" in bakeoff.out
    assert "running on this machine, 1 fit at once, 1 thread each" in bakeoff.out


def test_forecast_of_what_fails_exits_with_1(here: Path, bakeoff: CommandLine) -> None:
    """A dry run that fails is told with its reason before hours are spent."""
    text = "{name: bad, datasets: [wine], models: [{import: 'sklearn.svm:SVR', name: svr}], variants: [default]}"
    (here / "suite.yaml").write_text(text.replace("SVR", "OneClassSVM"), encoding="utf-8")
    code = bakeoff("check", "suite.yaml", "--forecast", "--limit", "20")
    assert (code, "error" in bakeoff.out or "Error" in bakeoff.out) == (1, True), bakeoff.out


def test_merge_of_strangers_is_refused(here: Path, bakeoff: CommandLine) -> None:
    """All reasons why runs do not belong together are told at once, one line each."""
    for name, seed in (("a", 0), ("b", 1)):
        text = f"{{name: {name}, seed: {seed}, datasets: [wine], models: [dummy], variants: [default], outer_folds: 2}}"
        (here / "suite.yaml").write_text(text, encoding="utf-8")
        assert bakeoff("run", "suite.yaml", "--no-tracking") == 0
    assert bakeoff("merge", "runs/a", "runs/b", "--out", "runs/c") == 2
    assert "has another name than" in bakeoff.err
    assert "has another seed than" in bakeoff.err
    assert not (here / "runs" / "c").exists()


def read_json(text: str) -> Any:
    """Read standard output as JSON, without NaN: nothing else may stand there."""
    return json.loads(text, parse_constant=pytest.fail)


def test_results_are_json_on_demand(tiny_run: RunFolder, tmp_path: Path, bakeoff: CommandLine) -> None:
    """Every command that prints a result prints it as JSON, alone on standard output."""
    folder = str(shutil.copytree(tiny_run.path, tmp_path / "run"))
    assert bakeoff("show", folder, "--json") == 0
    shown = read_json(bakeoff.out)
    assert shown["verdict"]["headline"] == RunFolder(Path(folder)).read_verdict()["headline"]
    assert {row["model"] for row in shown["leaderboard"]} == {"dummy", "logistic", "ridge", "mlp"}
    assert shown["failures"] == []
    assert bakeoff("verify", folder, "--sample", "1", "--json") == 0
    assert read_json(bakeoff.out)["equal"] == 1
    assert "same" in bakeoff.err
    fit = shown_fit(folder)
    assert bakeoff("rerun", folder, fit, "--json") == 0
    assert read_json(bakeoff.out)["before"]["fit"] == fit
    assert bakeoff("doctor", "--json") == 0
    assert "python" in {key.lower() for key in read_json(bakeoff.out)}
    for what in ("models", "datasets", "suites", "metrics"):
        assert bakeoff("list", what, "--json") == 0
        assert {"name", "summary"} <= set(read_json(bakeoff.out)[0])


def shown_fit(folder: str) -> str:
    """Return the id of some fit."""
    return next(iter(RunFolder(Path(folder)).read_records()[0]))


def test_run_and_check_are_json_on_demand(tmp_path: Path, bakeoff: CommandLine) -> None:
    """What goes on is told on standard error; failures are in the JSON, and in the exit code."""
    suite = tmp_path / "suite.yaml"
    suite.write_text("{name: j, datasets: [wine], models: [dummy], variants: [default], outer_folds: 2}", "utf-8")
    assert bakeoff("check", str(suite), "--json") == 0
    assert len(read_json(bakeoff.out)["fits"]) == 2
    assert bakeoff("run", str(suite), "--out", str(tmp_path / "run"), "--no-tracking", "--json") == 0
    done = read_json(bakeoff.out)
    assert (done["ran"], done["failed"], done["folder"]) == (2, 0, str(tmp_path / "run"))
    assert "2 of 2" in bakeoff.err


@pytest.mark.parametrize(
    ("words", "found"),
    [("bakeoff verif", "verify"), ("bakeoff list mod", "models"), ("bakeoff run x --models xg", "xgboost")],
)
def test_shells_complete_words(words: str, found: str) -> None:
    """Commands and names are completed, as bash asks for them."""
    asked = {"_BAKEOFF_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    command = [sys.executable, "-c", "from bakeoff.cli.app import main; main()"]
    done = subprocess.run(command, env={**os.environ, **asked}, capture_output=True, text=True, timeout=60)
    assert found in done.stdout.split()
