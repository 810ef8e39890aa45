"""Two runs compared: what got worse closes a gate, what can't be compared is refused with its reasons."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bakeoff.errors import UserError
from bakeoff.records.record import Record
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports.run_data.run import Run
from bakeoff.reports.verdicts.diff import CellChange, compare_runs

FOLDS = 10


def view_of(models: dict[str, list[float | str]], *, metric: str = "accuracy", **changes: Any) -> Run:
    """Build what a report reads of a run: the outer scores, or statuses, of some models."""
    scheme = changes.pop("scheme", "stratified")
    fits, records = [], {}
    for model, scores in models.items():
        for fold, score in enumerate(scores):
            named: dict[str, Any] = {"dataset": "toy", "model": model, "family": "classical", "variant": "default"}
            named |= {"fit": f"{model}-{fold}", "repeat": 0, "fold": fold, "train_fraction": 1.0}
            fits.append(named)
            digests = {"data_digest": "d", "split_digest": f"s{fold}"} | changes
            is_ok = not isinstance(score, str)
            records[named["fit"]] = Record(
                **named,
                **digests,
                study="",
                cell="",
                task="multiclass",
                kind="tabular",
                status="ok" if is_ok else score,  # type: ignore[arg-type]  # a status
                metrics={metric: score} if is_ok else {},  # type: ignore[dict-item]  # a number then
            )
    plan = {
        "fits": fits,
        "datasets": {"toy": {"task": "multiclass", "scheme": scheme, "primary": metric}},
        "metrics": {"accuracy": {"greater_is_better": True}, "rmse": {"greater_is_better": False}},
    }
    return Run(plan=plan, records=records, suite={}, provenance={})


def around(centre: float) -> list[float | str]:
    """Return scores of ten folds that vary a little."""
    return [centre + 0.01 * math.sin(3 * fold) for fold in range(FOLDS)]


def shifted(scores: list[float | str], by: float, noise: float = 0.002) -> list[float | str]:
    """Return scores that are better or worse by about as much on every fold."""
    return [score + by + noise * math.cos(fold) for fold, score in enumerate(scores)]  # type: ignore[operator]  # numbers


def by_model(changes: list[CellChange]) -> dict[str, str]:
    """Return what became of each model."""
    return {change.model: change.change for change in changes}


def test_changes_are_named() -> None:
    """Each model is better, worse, the same, failing or uncertain; only worse and failing ones close a gate."""
    usual = around(0.8)
    before = {
        "up": usual,
        "down": usual,
        "still": usual,
        "noisy": usual,
        "broken": usual,
        "mended": ["crashed", *usual[1:]],
    }
    after = {
        "up": shifted(usual, 0.05),
        "down": shifted(usual, -0.05),
        "still": usual,
        "noisy": shifted(usual, 0.001, noise=0.05),
        "broken": [*usual[1:], "timeout"],
        "mended": usual,
    }
    changes = compare_runs(view_of(before), view_of(after))
    assert by_model(changes) == {
        "up": "better",
        "down": "worse",
        "still": "same",
        "noisy": "can't tell",
        "broken": "fails now",
        "mended": "failed before",
    }
    assert {change.model for change in changes if change.is_worse} == {"down", "broken"}


def test_smaller_error_is_better() -> None:
    """With an error as the metric a smaller value is better, and means are shown as they are."""
    before, after = (
        view_of({"m": around(0.8)}, metric="rmse"),
        view_of({"m": shifted(around(0.8), -0.1)}, metric="rmse"),
    )
    (change,) = compare_runs(before, after)
    assert change.change == "better"
    assert change.before == pytest.approx(0.8, abs=0.01)
    assert change.difference is not None
    assert change.difference.mean == pytest.approx(0.1, abs=0.001)


def test_many_comparisons_are_corrected() -> None:
    """A difference that is significant alone is not so among twenty."""
    usual = around(0.8)
    alone = compare_runs(view_of({"m": usual}), view_of({"m": shifted(usual, -0.012, noise=0.01)}))
    assert alone[0].change == "worse"
    others = {f"o{number}": usual for number in range(19)}
    noisy = {name: shifted(usual, 0.0005, noise=0.03) for name in others}
    many = compare_runs(view_of({"m": usual} | others), view_of({"m": shifted(usual, -0.012, noise=0.01)} | noisy))
    assert by_model(many)["m"] == "can't tell"
    assert many[0].p_value > alone[0].p_value


def test_split_without_stored_predictions_has_no_test() -> None:
    """Folds in order of time are tested by their rows; where these are gone, the change says why it can't be told."""
    views = (view_of({"m": scores}, scheme="ordered") for scores in (around(0.8), around(0.5)))
    (change,) = compare_runs(*views)
    assert change.change == "can't tell"
    assert math.isnan(change.p_value)
    assert change.why == "the predictions of the fit m-0 are missing or damaged"


@pytest.mark.parametrize(
    ("after", "message"),
    [
        (view_of({"m": around(0.8)}, data_digest="other"), "the data of 'toy' differ"),
        (view_of({"m": around(0.8)}, split_digest="other"), "the splits of 'toy' differ"),
        (view_of({"m": around(0.8)}, metric="rmse"), "ranked by accuracy in the one run and by rmse"),
        (view_of({"m": around(0.8)[:5]}), r"other folds in the one run \(10\) than in the other \(5\)"),
        (view_of({"other": around(0.8)}), "share no data set with a model"),
    ],
)
def test_what_can_not_be_compared_is_refused(after: Run, message: str) -> None:
    """Other data, splits, folds, metrics or models are refused with the reason."""
    with pytest.raises(UserError, match=message):
        compare_runs(view_of({"m": around(0.8)}), after)


def test_command_line_is_a_gate(tiny_run: RunFolder, tmp_path: Path, bakeoff: Any) -> None:
    """A run does not differ from itself: 0; one whose model lost on every fold exits with 1; strangers with 2."""
    same = tmp_path / "same"
    shutil.copytree(tiny_run.path, same)
    assert bakeoff("diff", str(tiny_run.path), str(same)) == 0
    assert "0 worse" in bakeoff.out
    worse = RunFolder(same)
    records = [
        replace(record, metrics={**record.metrics, "accuracy": 0.1}) if "accuracy" in record.metrics else record
        for record in worse.read_records()[0].values()
    ]
    worse.write_records(records)
    assert bakeoff("diff", str(tiny_run.path), str(same), "--json") in (0, 1)
    changes = json.loads(bakeoff.out)
    assert {change["dataset"] for change in changes} == {"wine", "diabetes"}
    assert all(change["after"] == pytest.approx(0.1) for change in changes if change["dataset"] == "wine")
    broken = [replace(record, status="timeout", metrics={}) for record in records]
    worse.write_records(broken)
    assert bakeoff("diff", str(tiny_run.path), str(same)) == 1
    assert bakeoff("diff", str(tiny_run.path), str(tmp_path / "none")) == 2
