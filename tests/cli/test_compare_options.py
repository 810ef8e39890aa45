"""`compare` with calibration and threshold: from the command line and from Python."""

from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_breast_cancer

from bakeoff import compare
from bakeoff.errors import UserError


def test_compare_calibrates(tmp_path: Path) -> None:
    """The options of `compare` reach the fits, and unknown ones are refused with what there is."""
    X, y = load_breast_cancer(return_X_y=True)
    X, y = X[:120, :4], y[:120]
    options: dict[str, Any] = {"models": ["gaussian_nb"], "folds": 2, "in_process": True}
    result = compare(X, y, out=tmp_path / "run", calibrate="temperature", **options)
    assert all(record.diagnostics["temperature"] > 0 for record in result.folder.read_records()[0].values())
    with pytest.raises(UserError, match=r"calibrate: .*'temperature' or 'isotonic'"):
        compare(X, y, calibrate="platt", **options)
    with pytest.raises(UserError, match=r"threshold: .*'default' or 'tuned'"):
        compare(X, y, threshold="0.3", **options)


def test_command_line_takes_them(tmp_path: Path, bakeoff: Any) -> None:
    """The command line hands them on, and says what it takes."""
    table = tmp_path / "table.csv"
    rows = "".join(f"{number % 7},{number % 2}\n" for number in range(40))
    table.write_text(f"a,b\n{rows}", encoding="utf-8")
    words = ("compare", str(table), "--target", "b", "--models", "dummy", "--out", str(tmp_path / "run"))
    assert bakeoff(*words, "--calibrate", "plat") == 2
    assert "'temperature' or 'isotonic'" in bakeoff.err
