"""Token ids as rows of nets with a learned embedding: 0 is padding, 1 a word that is not known, the rest are words."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bakeoff.estimators.nets.net import Net
from bakeoff.estimators.parameters import Rule, integer, is_int
from bakeoff.estimators.preprocessing.tokenizer import UNKNOWN

MAX_TOKENS = 10**7
VOCABULARY_RULE: Rule = (
    lambda value: value is None or value == "auto" or is_int(value, 2),
    "None, 'auto' or an int in the range [2, inf)",
)


def count_tokens(rows: NDArray[Any], vocabulary_size: int | str) -> int:
    """Return the number of tokens: as given, or one more than the largest id in the rows (n, steps).

    Raises
    ------
    ValueError
        When the ids would need a table of vectors beyond all reason.
    """
    if not isinstance(vocabulary_size, str):
        return int(vocabulary_size)
    n_tokens = max(int(rows.max()) + 1, UNKNOWN + 1)
    if n_tokens > MAX_TOKENS:
        raise ValueError(
            f"Input X would need a vocabulary of {n_tokens:,} tokens, more than {MAX_TOKENS:,}: its largest value is "
            f"{rows.max():g}. Give ids that count from 0, as TokenIds does, or no vocabulary_size for plain numbers."
        )
    return n_tokens


def check_tokens(rows: NDArray[Any], n_tokens: int, *, strict: bool) -> NDArray[Any]:
    """Return rows of token ids (n, steps) that all lie inside the vocabulary.

    Unless `strict`, ids beyond it are read as words that are not known.

    Raises
    ------
    ValueError
        When an id is negative, no whole number or, if `strict`, beyond the vocabulary.
    """
    beyond = rows >= n_tokens
    wrong = (rows < 0) | (rows != np.floor(rows)) | (beyond & strict)
    if wrong.any():
        row, step = np.argwhere(wrong)[0]
        raise ValueError(
            f"Input X must hold token ids: whole numbers from 0 (padding) to {n_tokens - 1}, for a vocabulary of "
            f"{n_tokens}. Got {rows[row, step]:g} in row {row}, column {step}. Choose a larger vocabulary_size, or "
            f"give unknown words the id {UNKNOWN}."
        )
    return np.where(beyond, rows.dtype.type(UNKNOWN), rows) if beyond.any() else rows


@dataclass(kw_only=True, eq=False, repr=False)
class TokenArchitecture(Net):
    """A net whose rows may be texts of token ids.

    Parameters
    ----------
    vocabulary_size : int or "auto", default=None
        Number of token ids, where a row of X is a text of ids: 0 is padding at the end, 1 a word that is not known (as
        `TokenIds` gives them). "auto" is one more than the largest id in the training rows; larger ones are read as 1.
        The vector of padding is and stays zero; the convolutions of a CNN run over it as over any other (Kim 2014
        masks nothing either).
    embedding_size : int, default=128
        Width of the learned vectors of the tokens.

    Attributes
    ----------
    n_tokens_ : int
        Number of token ids, where there is a vocabulary.
    """

    vocabulary_size: int | str | None = None
    embedding_size: int = 128

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {"vocabulary_size": VOCABULARY_RULE, "embedding_size": integer(1)}

    def _read_rows(self, X: ArrayLike, *, reset: bool) -> NDArray[Any]:
        rows = super()._read_rows(X, reset=reset)
        return rows if self.vocabulary_size is None else self._read_tokens(rows, reset=reset)

    def _read_tokens(self, rows: NDArray[Any], *, reset: bool) -> NDArray[Any]:
        """Return rows of token ids that all lie inside the vocabulary, which `reset` counts anew."""
        assert self.vocabulary_size is not None
        if reset:
            self.n_tokens_: int = count_tokens(rows, self.vocabulary_size)
        return check_tokens(rows, self.n_tokens_, strict=self.vocabulary_size != "auto")

    def _reencode(self, X: NDArray[Any], train_rows: NDArray[Any]) -> NDArray[Any]:
        if self.vocabulary_size != "auto":
            return X
        self.n_tokens_ = count_tokens(X[train_rows], "auto")
        return self._read_tokens(X, reset=False)
