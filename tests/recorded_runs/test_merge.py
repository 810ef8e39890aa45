"""Shards and merge: parts of a suite, run anywhere, joined into one run; what does not belong together is refused."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from runs import run_untracked, scores_of

from bakeoff.api import load_run, merge, run_suite
from bakeoff.errors import UserError
from bakeoff.planning.plan import make_plan
from bakeoff.planning.shard import Shard, parse_shard, take_shard
from bakeoff.recorded_runs.merging import merge_runs
from bakeoff.records.run_folder import RunFolder
from bakeoff.suites.suite_file import to_suite

SUITE: dict[str, Any] = {
    "name": "parts",
    "datasets": ["wine", "diabetes"],
    "models": ["dummy", "ridge", "knn"],
    "outer_folds": 2,
    "inner_folds": 2,
    "tuning": {"trials": 2},
    "limits": {"seconds": 60, "memory": "2GB"},
}


def run(out: Path, suite: dict[str, Any] = SUITE, **options: Any) -> RunFolder:
    """Run a suite with two workers."""
    return run_untracked(suite, out, workers=2, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Run the suite in one piece."""
    return run(tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Run the suite in three shards."""
    folder = tmp_path_factory.mktemp("shards")
    return [run(folder / f"part{number}", shard=f"{number}/3").path for number in (1, 2, 3)]


def content_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder, but what says when a report was made."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in (".lock", "report.html"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_shards_divide_a_plan() -> None:
    """Every fit belongs to one shard, by its key alone."""
    plan = make_plan(to_suite(SUITE))
    parts = [take_shard(plan, Shard(number, 4)) for number in (1, 2, 3, 4)]
    assert sorted(job.keys.fit for part in parts for job in part.jobs_to_run) == sorted(
        job.keys.fit for job in plan.jobs
    )
    assert all(part.jobs == plan.jobs for part in parts)
    assert [part.shard for part in parts] == ["1/4", "2/4", "3/4", "4/4"]


@pytest.mark.parametrize("text", ["", "0/3", "4/3", "1", "a/b", "1/0", "-1/3", "1/3/5"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    """A shard is K/N with K from 1 to N; the message shows one."""
    with pytest.raises(UserError, match="such as 2/8"):
        parse_shard(text)


def test_empty_shard_is_refused(tmp_path: Path) -> None:
    """More shards than fits leave some without any: that is said, and nothing is written."""
    plan = make_plan(to_suite(SUITE))
    empty = next(number for number in range(1, 200) if not _holds(plan, number))
    with pytest.raises(UserError, match="divide them into fewer shards"):
        run(tmp_path / "run", shard=f"{empty}/199")
    assert not (tmp_path / "run").exists()


def _holds(plan: Any, number: int) -> bool:
    return any(int(job.keys.fit, 16) % 199 == number - 1 for job in plan.jobs)


def test_merged_shards_equal_the_whole(whole: RunFolder, shards: list[Path], tmp_path: Path) -> None:
    """Records, plan, predictions, trials and tables are those of an undivided run."""
    merged = merge(shards, tmp_path / "merged")
    assert scores_of(merged.folder) == scores_of(whole)
    one, other = merged.folder.read_json("plan.json"), whole.read_json("plan.json")
    assert one["fits"] == other["fits"]
    assert one["datasets"] == other["datasets"]
    assert merged.folder.read_suite() == whole.read_suite()
    for part in ("predictions", "trials", "curves", "studies"):
        assert {path.name for path in (merged.folder.path / part).iterdir()} == {
            path.name for path in (whole.path / part).iterdir()
        }
    assert [row["shard"] for row in merged.folder.read_json("provenance.json")["parts"]] == ["1/3", "2/3", "3/3"]
    assert "No record of" not in merged.folder.markdown.read_text(encoding="utf-8")


def test_shards_rank_nothing_by_the_folds_that_fell_to_them(shards: list[Path], tmp_path: Path) -> None:
    """A shard, or a part of all shards, has holes where the other folds belong, and says why."""
    part = merge(shards[:2], tmp_path / "part")
    assert len(part.fits) == len(make_plan(to_suite(SUITE)).jobs)
    for result in (part, load_run(shards[0])):
        whole = result.leaderboard["n_ok"] == result.leaderboard["n_folds"]
        assert not whole.all()
        assert result.leaderboard.loc[~whole, "rank"].isna().all()
    assert "this is shard 1/3 of the run" in (shards[0] / "report.md").read_text(encoding="utf-8")


def test_merging_again_changes_nothing(shards: list[Path], tmp_path: Path) -> None:
    """The same parts again, in any order, one by one or with the result among them, give the same folder."""
    out = tmp_path / "merged"
    merge(shards, out)
    before = content_of(out)
    merge(shards, out)
    merge([*shards[::-1], out], out)
    assert content_of(out) == before
    step = tmp_path / "steps"
    for part in shards:
        merge([part], step)
    assert scores_of(RunFolder(step)) == scores_of(RunFolder(out))
    assert RunFolder(step).read_json("plan.json") == RunFolder(out).read_json("plan.json")


def test_merged_run_goes_on(shards: list[Path], tmp_path: Path) -> None:
    """A missing shard is named; the run command makes up for it in the merged folder, and runs nothing twice."""
    merged = merge_runs([RunFolder(path) for path in shards[:2]], RunFolder(tmp_path / "merged"))
    assert merged.recorded < merged.planned == len(make_plan(to_suite(SUITE)).jobs)
    assert merged.notes == ("not among the parts: shard 3/3",)
    result = run_suite(SUITE, out=tmp_path / "merged", tracking=False)
    assert result.finished is not None
    assert result.finished.reused == merged.recorded
    assert result.finished.failed == 0


def test_parts_by_model_are_joined(whole: RunFolder, tmp_path: Path) -> None:
    """One machine ran some models, another the rest: the union is the whole run."""
    one = run(tmp_path / "one", models=["dummy", "knn"])
    other = run(tmp_path / "other", models=["ridge"])
    merged = merge([one.path, other.path], tmp_path / "merged")
    assert scores_of(merged.folder) == scores_of(whole)
    make_plan(to_suite(merged.folder.read_suite()))


def test_failed_fit_gives_way_to_one_that_ended_well(shards: list[Path], tmp_path: Path) -> None:
    """Of two records of a fit the good one counts, whatever the order of the parts."""
    bad = tmp_path / "bad"
    shutil.copytree(shards[0], bad)
    lines = [json.loads(line) for line in (bad / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    text = "".join(json.dumps({**line, "status": "timeout", "metrics": {}}) + "\n" for line in lines)
    (bad / "records.jsonl").write_text(text, encoding="utf-8")
    for name, parts in (("a", [bad, shards[0]]), ("b", [shards[0], bad])):
        merged = merge(parts, tmp_path / name)
        assert {status for status, _, _ in scores_of(merged.folder).values()} == {"ok"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 7}, "has another seed than .*: 7, not 0"),
        ({"outer_folds": 3}, "has another outer_folds"),
        ({"tuning": {"trials": 3}}, "has another tuning"),
        ({"name": "other"}, "has another name"),
        ({"statistics": {"rope": 0.02}}, "has another statistics"),
        (
            {"datasets": [{"name": "friedman1", "as": "wine", "rows": 100}]},
            "differ in the content of the data set 'wine'",
        ),
        ({"models": ["dummy", {"name": "knn", "params": {"n_neighbors": 3}}]}, "settings of the model 'knn'"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    shards: list[Path], tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    """Another seed, folds, budget, suite, content or parameters are refused by name, and nothing is written."""
    little = {"datasets": ["wine"], "models": ["dummy", "knn"], "variants": ["default"]}
    other = run(tmp_path / "other", {**SUITE, **little, **change})
    with pytest.raises(UserError, match=words):
        merge([shards[0], other.path], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def edit(folder: Path, name: str, change: Any) -> None:
    """Change a JSON file."""
    path = folder / name
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_other_versions_and_scores_are_refused(shards: list[Path], tmp_path: Path) -> None:
    """Other library versions need an explicit word; other scores of the same fit are told with the fit."""
    copy = tmp_path / "copy"
    shutil.copytree(shards[0], copy)
    edit(copy, "provenance.json", lambda content: content["versions"].update(numpy="1.0"))
    with pytest.raises(UserError, match=r"other versions .* \(numpy .*allow it with --mixed-versions"):
        merge([shards[0], copy], tmp_path / "merged")
    merge([shards[0], copy], tmp_path / "merged", mixed_versions=True)
    lines = (copy / "records.jsonl").read_text(encoding="utf-8").splitlines()
    first = json.loads(lines[0])
    first["metrics"] = dict.fromkeys(first["metrics"], 0.123)
    (copy / "records.jsonl").write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"hold other scores of the same fit: .* repeat 1 fold"):
        merge([shards[0], copy], tmp_path / "again", mixed_versions=True)


def test_other_splits_are_refused(shards: list[Path], tmp_path: Path) -> None:
    """Folds with the same number and other rows are not compared."""
    copy = tmp_path / "copy"
    shutil.copytree(shards[1], copy)
    path = copy / "records.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join(json.dumps({**line, "split_digest": "other"}) + "\n" for line in lines), encoding="utf-8")
    with pytest.raises(UserError, match=r"differ in the split of "):
        merge([shards[0], copy], tmp_path / "merged")


def test_part_that_mixes_data_is_refused(shards: list[Path], tmp_path: Path) -> None:
    """A record of other data than its own plan's is named before anything is written."""
    copy = tmp_path / "copy"
    shutil.copytree(shards[1], copy)
    first = next(iter(RunFolder(copy).read_records()[0].values()))
    RunFolder(copy).append(replace(first, data_digest="other"))
    with pytest.raises(UserError, match=rf"fit {first.fit}\) was run on other data"):
        merge([shards[0], copy], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_no_run_and_foreign_folder_are_refused(shards: list[Path], tmp_path: Path) -> None:
    """A part that is no run, and a folder with other files, are the user's mistakes."""
    with pytest.raises(UserError, match="there is no run in"):
        merge([tmp_path / "nothing"], tmp_path / "merged")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").touch()
    with pytest.raises(UserError, match="holds files but no run"):
        merge(shards, tmp_path / "full")


def test_parts_are_never_written_over(shards: list[Path]) -> None:
    """A part is no place for the whole, nor is a folder inside one; and nothing is nothing to merge."""
    before = content_of(shards[0])
    for out in (shards[0], shards[0] / "inside"):
        with pytest.raises(UserError, match="give a folder of its own"):
            merge(shards[:2], out)
    assert content_of(shards[0]) == before
    with pytest.raises(UserError, match="no runs to merge"):
        merge([], shards[0].parent / "new")


def test_merged_suite_names_no_model_twice(tmp_path: Path) -> None:
    """A family in one part and one of its models in another give a suite that can be run."""
    all_of = {**SUITE, "datasets": ["wine"], "variants": ["default"]}
    one = run(tmp_path / "one", {**all_of, "models": ["classical"]}, models=["dummy"])
    edit_suite(one.path, ["classical"])
    other = run(tmp_path / "other", {**all_of, "models": ["dummy", "knn"]})
    merged = merge([one.path, other.path], tmp_path / "merged")
    assert merged.folder.read_suite()["models"] == ["classical"]


def test_models_of_ones_own_are_merged(tmp_path: Path) -> None:
    """Entries with parameters are joined like names."""
    own = {"import": "sklearn.neighbors:KNeighborsClassifier", "name": "own", "params": {"n_neighbors": 3}}
    suite = {**SUITE, "datasets": ["wine"], "variants": ["default"], "models": ["dummy", own]}
    parts = [run(tmp_path / f"part{number}", suite, shard=f"{number}/2").path for number in (1, 2)]
    merged = merge(parts, tmp_path / "merged")
    assert merged.folder.read_suite() == RunFolder(parts[0]).read_suite()
    assert set(merged.leaderboard["model"]) == {"dummy", "own"}


def edit_suite(folder: Path, models: list[str]) -> None:
    """Name other models in the suite of a run."""
    content = yaml.safe_load((folder / "suite.yaml").read_text(encoding="utf-8"))
    (folder / "suite.yaml").write_text(yaml.safe_dump({**content, "models": models}), encoding="utf-8")
