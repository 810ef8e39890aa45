"""Token ids: which words get one, how rows are padded and cut, and what is refused."""

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import VarianceThreshold
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from bakeoff.estimators.preprocessing.tokenizer import TokenIds

TEXTS = ["b a a", "c b a b", "d"]


def words_of(text: str, **parameters: Any) -> list[str]:
    """Return the tokens of one text in the order in which they were first met."""
    ids = TokenIds(min_count=1, **parameters).fit([text])
    by_id = {id_: word for word, id_ in ids.vocabulary_.items()}
    return [by_id[id_] for id_ in ids.transform([text])[0]]


def test_ids_by_hand() -> None:
    """The most frequent words come first, ties in alphabetical order; 0 pads at the end."""
    ids = TokenIds(min_count=1).fit(TEXTS)
    assert ids.vocabulary_ == {"a": 2, "b": 3, "c": 4, "d": 5}
    assert (ids.n_tokens_, ids.width_) == (6, 4)
    found = ids.transform(TEXTS)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, [[3, 2, 2, 0], [4, 3, 2, 3], [5, 0, 0, 0]])


def test_rare_words_train_the_unknown_id() -> None:
    """By default words that occur once are unknown in the training texts, as new ones are later."""
    ids = TokenIds().fit(TEXTS)
    assert ids.vocabulary_ == {"a": 2, "b": 3}
    np.testing.assert_array_equal(ids.transform(TEXTS), [[3, 2, 2, 0], [1, 3, 2, 3], [1, 0, 0, 0]])
    np.testing.assert_array_equal(ids.transform(["new a"]), [[1, 2, 0, 0]])


def test_max_words_keeps_the_most_frequent() -> None:
    """Beyond `max_words` words are unknown; among equally frequent ones the alphabet decides, not the order."""
    for texts in (["b a d c c", "e"], ["e", "d c a c b"]):
        ids = TokenIds(min_count=1, max_words=2).fit(texts)
        assert ids.vocabulary_ == {"c": 2, "a": 3}
        assert ids.n_tokens_ == 4


def test_max_length_cuts() -> None:
    """Training texts are cut at `max_length`, and words behind it are not learned."""
    ids = TokenIds(min_count=1, max_length=2).fit(["a b c c c", "b"])
    assert (ids.width_, list(ids.vocabulary_)) == (2, ["b", "a"])
    np.testing.assert_array_equal(ids.transform(["a b c c c", "c"]), [[3, 2], [1, 0]])


def test_other_texts_are_cut_at_the_longest_training_text() -> None:
    """The width is that of the training texts, for shorter, longer and no texts alike."""
    ids = TokenIds(min_count=1).fit(["a b", "a"])
    np.testing.assert_array_equal(ids.transform(["b a b a", "a"]), [[3, 2], [2, 0]])
    assert ids.transform([]).shape == (0, 2)


def test_text_without_tokens_is_one_unknown_word() -> None:
    """Empty texts and blanks become a single 1, in training and later."""
    ids = TokenIds(min_count=1).fit(["", "a a", " \n"])
    np.testing.assert_array_equal(ids.transform(["", "a", "\t "]), [[1, 0], [2, 0], [1, 0]])


def test_words_and_marks() -> None:
    """Words keep inner apostrophes, marks stand alone, case is ignored; other languages are taken too."""
    assert words_of("Don't STOP!? It's 9 o\u2019clock.") == [
        "don't",
        "stop",
        "!",
        "?",
        "it's",
        "9",
        "o\u2019clock",
        ".",
    ]
    assert words_of("'quoted' £5") == ["'", "quoted", "'", "£", "5"]
    assert words_of("Über naïve слово") == ["über", "naïve", "слово"]


def test_case_and_pattern_are_settings() -> None:
    """Case is kept on demand, and another pattern finds other tokens."""
    assert words_of("No no", lower=False) == ["No", "no"]
    assert words_of("ab, c", pattern=r"\w") == ["a", "b", "c"]


@pytest.mark.parametrize(
    "build",
    [list, tuple, np.array, pd.Series, lambda texts: np.array(texts)[:, None], pd.DataFrame],
)
def test_one_column_in_any_container(build: Any) -> None:
    """Lists, arrays, series and single columns of texts are the same; the index of a frame does not matter."""
    expected = TokenIds().fit_transform(TEXTS)
    np.testing.assert_array_equal(TokenIds().fit_transform(build(TEXTS)), expected)
    frame = pd.DataFrame({"t": TEXTS}, index=[7, 7, 7])
    np.testing.assert_array_equal(TokenIds().fit(frame["t"]).transform(frame), expected)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("one text", "Iterable over raw text documents expected, string object received"),
        ([["a", "b"], ["c", "d"]], r"X should be a 1d array of texts, got an array of shape \(2, 2\) instead"),
        (3, r"got an array of shape \(\) instead"),
        (["a a", 3], "X should hold strings only, got int 3 in row 1 instead"),
        (["a a", b"b"], "got bytes b'b' in row 1"),
        (pd.Series(["a a", "b", np.nan], dtype=object), "got float nan in row 2"),
        ([None, "a"], "got NoneType None in row 0"),
    ],
)
def test_what_is_no_column_of_texts_is_refused(X: Any, message: str) -> None:
    """Other shapes and other items are refused in `fit` and `transform`, with the row and the type."""
    with pytest.raises(ValueError, match=message):
        TokenIds().fit(X)
    with pytest.raises(ValueError, match=message):
        TokenIds().fit(TEXTS).transform(X)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "none of the 0 different tokens in 0 texts"),
        (["", " "], "none of the 0 different tokens in 2 texts"),
        (["a b", "c"], "none of the 3 different tokens in 2 texts occurs min_count=2 times. Lower min_count"),
    ],
)
def test_empty_vocabulary_is_refused(texts: list[str], message: str) -> None:
    """Without a single frequent word there is nothing to learn, and the error says why."""
    with pytest.raises(ValueError, match=f"empty vocabulary; {message}"):
        TokenIds().fit(texts)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_words": 0}, r"'max_words' parameter of TokenIds must be an int in the range \[1, inf\). Got 0"),
        ({"min_count": 1.5}, "'min_count' .* Got 1.5"),
        ({"max_length": True}, "'max_length' .* Got True"),
        ({"pattern": "("}, r"'pattern' .* a regular expression \(missing \)"),
        ({"pattern": None}, "'pattern' .* Got None"),
        ({"pattern": "(a)b"}, "'pattern' .* without capturing groups"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, Any], message: str) -> None:
    """Parameters are checked in `fit`, and the error names them."""
    with pytest.raises(ValueError, match=message):
        TokenIds(**parameters).fit(TEXTS)


def test_scikit_learn_conventions() -> None:
    """It clones, pickles, runs in a pipeline, refuses to transform unfitted, and its tags ask for texts."""
    ids = TokenIds(min_count=1, max_length=3)
    expected = ids.fit_transform(TEXTS)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ids)).transform(TEXTS), expected)
    np.testing.assert_array_equal(make_pipeline(clone(ids), VarianceThreshold()).fit_transform(TEXTS), expected)
    assert clone(ids).get_params() == ids.get_params()
    with pytest.raises(NotFittedError):
        clone(ids).transform(TEXTS)
    tags = get_tags(ids).input_tags
    assert tags.string
    assert not tags.two_d_array


def test_learns_from_texts_alone() -> None:
    """Fitting twice forgets the first texts, and `y` changes nothing."""
    ids = TokenIds().fit(["x x x x"]).fit(TEXTS, [0, 1, 0])
    assert ids.vocabulary_ == TokenIds().fit(TEXTS).vocabulary_
    assert ids.width_ == 4


def test_front_end_of_texts_needs_no_torch() -> None:
    """Importing it loads no torch, so that classical models of texts start fast."""
    code = "import sys, bakeoff.estimators.preprocessing.tokenizer; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
