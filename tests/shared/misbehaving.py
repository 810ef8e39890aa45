"""Estimators of a user that fail, abort or take their time; suites import them as `misbehaving:Raises` and so on.

The folder of this module is on the path of pytest's processes, and so of all fits that they start.
"""

import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier


class Raises(DummyClassifier):  # type: ignore[misc]  # scikit-learn is untyped
    """Fails; with a path, only while a file lies there."""

    def __init__(self, path: str = "") -> None:
        super().__init__()
        self.path = path

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Raise, or fit."""
        if not self.path or Path(self.path).exists():
            raise ValueError("in a mood")
        return super().fit(X, y)


class Aborts(DummyClassifier):  # type: ignore[misc]
    """Ends the process of its fit."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Abort."""
        os.abort()


class NeedsRows(DummyClassifier):  # type: ignore[misc]
    """Fails on fewer rows than `least` and on more than `most`."""

    def __init__(self, least: int = 0, most: int = 10**9) -> None:
        super().__init__()
        self.least, self.most = least, most

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Count the rows, then fit."""
        if len(X) < self.least:
            raise ValueError(f"needs {self.least} rows")
        if len(X) > self.most:
            raise ValueError(f"takes {self.most} rows at most")
        return super().fit(X, y)


class Waits(DummyClassifier):  # type: ignore[misc]
    """Takes its time: some seconds, or until a file lies at `until`; at `begun` it leaves its parent's process id."""

    def __init__(self, seconds: float = 60, until: str = "", begun: str = "") -> None:
        super().__init__()
        self.seconds, self.until, self.begun = seconds, until, begun

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Wait, then fit."""
        if self.begun:
            parent = multiprocessing.parent_process()
            assert parent is not None
            with Path(self.begun).open("a") as file:
                file.write(f"{parent.pid}\n")
        end = time.monotonic() + self.seconds
        while time.monotonic() < end and not (self.until and Path(self.until).exists()):
            time.sleep(0.02)
        return super().fit(X, y)


class SlowNeighbors(KNeighborsClassifier):  # type: ignore[misc]
    """Neighbours that take a fifth of a second to fit, so that a study of them can be killed in the middle."""

    def fit(self, X: Any, y: Any) -> Any:
        """Sleep, then fit."""
        time.sleep(0.2)
        return super().fit(X, y)
