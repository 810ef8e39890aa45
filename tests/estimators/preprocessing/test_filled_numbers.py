"""Numbers are filled with training means, and notes say where there were gaps."""

import numpy as np
import pandas as pd

from bakeoff.estimators.models.preprocessors import build_preprocessor
from bakeoff.estimators.preprocessing.filled_numbers import FilledNumbers

TRAIN = pd.DataFrame(
    {"a": [1.0, np.nan, 5.0], "b": [1.0, 2.0, 3.0], "c": [np.nan] * 3, "d": pd.Categorical(list("xyx"))}
)
TEST = pd.DataFrame({"a": [np.nan, 2.0], "b": [np.nan, 9.0], "c": [4.0, np.nan], "d": pd.Categorical([None, "x"])})


def test_gaps_become_means_and_notes() -> None:
    """Notes for the columns that had gaps in training; categories stay as they are."""
    found = FilledNumbers().fit(TRAIN).transform(TEST)
    assert found[["a", "b", "c"]].to_numpy().tolist() == [[3, 2, 4], [2, 9, 0]]
    assert [name for name in found if name.endswith("_missing")] == ["a_missing", "c_missing"]
    assert found["a_missing"].tolist() == ["missing", "known"]
    assert found["d"].isna().tolist() == [True, False]


def test_preprocessor_leaves_scales_alone() -> None:
    """Numbers keep their units, and what a net takes for categories is marked as such."""
    frame = pd.DataFrame({"size": [100.0, np.nan, 300.0], "colour": ["red", None, "blue"], "code": [1, 2, 1]})
    found = build_preprocessor("embedded-filled", categorical=("code",)).fit(frame).transform(frame)
    numbers = found.select_dtypes("number")
    assert numbers.to_numpy().tolist() == [[100], [200], [300]]
    assert (found.dtypes == "category").sum() == 3
