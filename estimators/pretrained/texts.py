"""Texts as the vectors of a pretrained sentence encoder, frozen: weights from a folder, never downloaded."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np

from bakeoff.estimators.pretrained.progress import lock_bars_by_thread
from bakeoff.estimators.pretrained.rows import PretrainedRows
from bakeoff.estimators.pretrained.weights import digest_weights, find_weights_folder

NAME = "text-embeddings"
MARKER = "modules.json"  # that a folder of sentence-transformers holds


def find_text_weights(weights: str | None = None) -> Path:
    """Return the folder of an encoder; `text-embeddings` in the folder of BAKEOFF_WEIGHTS if none is named."""
    return find_weights_folder(weights or NAME, marker=MARKER, model=NAME)


class TextEmbeddings(PretrainedRows):
    """One vector for each text, from a pretrained encoder of sentence-transformers (Reimers and Gurevych 2019).

    Parameters
    ----------
    weights : str, optional
        Path of the encoder's folder, or its name OWNER/NAME if the Hub's cache has it already.
    device : str
        "cpu" or "cuda".

    Notes
    -----
    Nothing is learned from the rows: `fit` finds the weights. Texts longer than the encoder takes are cut.

    References
    ----------
    Reimers, Gurevych 2019, Sentence-BERT: sentence embeddings using siamese BERT-networks, EMNLP.
    """

    def __init__(self, *, weights: str | None = None, device: str = "cpu") -> None:
        self.weights = weights
        self.device = device

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the weights; `X` has shape (n_rows,).

        Raises
        ------
        UserError
            If there are no weights.
        """
        del X, y
        self.folder_ = find_text_weights(self.weights)
        self.digest_ = digest_weights(self.folder_)
        return self

    def _read(self, X: Any) -> Sequence[str]:
        texts = np.asarray(X, dtype=object)
        if texts.ndim != 1:
            raise ValueError(f"{NAME} takes one text a row, an array of shape (n_rows,); got shape {texts.shape}")
        return [str(text) for text in texts]

    def _embed(self, rows: Sequence[str]) -> np.ndarray:
        encoder = _load_encoder(self.folder_, self.device)
        vectors = encoder.encode(list(rows), batch_size=len(rows), show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(vectors, dtype="float32")

    def _settings(self) -> str:
        return f"{NAME} {self.digest_} {self.device}"


@lru_cache(maxsize=1)
def _load_encoder(folder: Path, device: str) -> Any:
    from sentence_transformers import SentenceTransformer

    lock_bars_by_thread()
    return SentenceTransformer(str(folder), device=device, local_files_only=True)
