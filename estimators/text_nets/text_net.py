"""What nets for texts share: rows of token ids that are read as such, or rows of numbers where there are no tokens."""

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from bakeoff.estimators.nets.vocabulary import TokenArchitecture
from bakeoff.estimators.training.automatic import CONVOLUTIONAL_BATCH


@dataclass(kw_only=True, eq=False, repr=False)
class TextNet(TokenArchitecture):
    """A net over rows of token ids."""

    _most_rows_of_auto_batch: ClassVar[float] = CONVOLUTIONAL_BATCH  # a text is as many positions as it has tokens

    def _read_rows(self, X: ArrayLike, *, reset: bool) -> NDArray[Any]:
        rows = super()._read_rows(X, reset=reset)
        return rows if self.vocabulary_size is None else self._read_tokens(rows, reset=reset)


def cut_padding(tokens: Tensor) -> Tensor:
    """Return ids (E, n, steps) without the steps that are padding in every row; at least one step stays."""
    filled = (tokens != 0).flatten(0, 1).any(0).nonzero()
    return tokens[..., : int(filled.max()) + 1 if len(filled) else 1]
