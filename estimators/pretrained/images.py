"""Images as what a pretrained vision net makes of them, frozen: weights from a folder, never downloaded."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor
from torch.nn.functional import interpolate

from bakeoff.estimators.parameters import resolve_input_shape
from bakeoff.estimators.pretrained.progress import lock_bars_by_thread
from bakeoff.estimators.pretrained.rows import PretrainedRows
from bakeoff.estimators.pretrained.weights import digest_weights, find_weights_folder

NAME = "image-embeddings"
MARKER = "config.json"  # that a folder of transformers holds
IMAGE_SIDE = 224  # where the weights do not say
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class VisionNet(NamedTuple):
    """A pretrained net and how its images are prepared: side in pixels, mean and deviation of each channel."""

    net: Any
    side: int
    mean: Tensor
    std: Tensor


def find_image_weights(weights: str | None = None) -> Path:
    """Return the folder of a net; `image-embeddings` in the folder of BAKEOFF_WEIGHTS if none is named."""
    return find_weights_folder(weights or NAME, marker=MARKER, model=NAME)


class ImageEmbeddings(PretrainedRows):
    """The last hidden state of a pretrained net for each image, averaged over its positions.

    Parameters
    ----------
    weights : str, optional
        Path of a folder that `save_pretrained` of transformers wrote (ResNet, ConvNeXt, ViT, DINOv2, Swin, ...), or its
        name OWNER/NAME if the Hub's cache has it already.
    input_shape : (channels, height, width), default=None
        How the columns of X fold back; 1 or 3 channels.
    device : str
        "cpu" or "cuda".

    Notes
    -----
    The darkest and the brightest value of the training rows become 0 and 1; nothing else is learned from them. Images
    are resized to the side that the net was trained with, and one channel stands for three. Off-the-shelf features
    before a linear model: Razavian et al. 2014; how well they transfer: Kornblith et al. 2019.

    References
    ----------
    Razavian, Azizpour, Sullivan, Carlsson 2014, CNN features off-the-shelf, CVPR workshops. Kornblith, Shlens, Le 2019,
    Do better ImageNet models transfer better?, CVPR.
    """

    def __init__(
        self, *, weights: str | None = None, input_shape: tuple[int, ...] | None = None, device: str = "cpu"
    ) -> None:
        self.weights = weights
        self.input_shape = input_shape
        self.device = device

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the weights, and learn the range of the values of `X`, shape (n_rows, channels * height * width).

        Raises
        ------
        UserError
            If there are no weights.
        ValueError
            If the rows are no images of 1 or 3 channels.
        """
        del y
        X = validate_data(self, X, dtype=["float64", "float32", "uint8"], ensure_all_finite="allow-nan")
        self.shape_ = resolve_input_shape(self.input_shape, X.shape[1])
        if len(self.shape_) != 3 or self.shape_[0] not in (1, 3):
            raise ValueError(f"{NAME} takes images of 1 or 3 channels; input_shape is {self.shape_}")
        self.low_, self.high_ = float(np.nanmin(X)), float(np.nanmax(X))
        self.folder_ = find_image_weights(self.weights)
        self.digest_ = digest_weights(self.folder_)
        return self

    def _read(self, X: Any) -> Sequence[np.ndarray]:
        check_is_fitted(self)
        values: np.ndarray = validate_data(
            self, X, reset=False, dtype=["float64", "float32", "uint8"], ensure_all_finite="allow-nan"
        )
        return list(values.reshape(-1, *self.shape_))

    @torch.inference_mode()
    def _embed(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        vision = _load_net(self.folder_, self.device)
        span = (self.high_ - self.low_) or 1.0
        values = (np.stack(rows).astype("float32") - self.low_) / span
        images = torch.from_numpy(np.nan_to_num(values)).to(self.device).expand(-1, 3, -1, -1)
        images = interpolate(images, size=(vision.side, vision.side), mode="bilinear", antialias=True)
        hidden = vision.net(pixel_values=(images - vision.mean) / vision.std).last_hidden_state
        positions = (2, 3) if hidden.ndim == 4 else 1  # of a convolutional net, of a transformer
        vectors: np.ndarray = hidden.mean(positions).float().cpu().numpy()
        return vectors

    def _settings(self) -> str:
        return f"{NAME} {self.digest_} {self.device} {self.low_!r} {self.high_!r} {self.shape_}"


@lru_cache(maxsize=1)
def _load_net(folder: Path, device: str) -> VisionNet:
    from transformers import AutoModel

    lock_bars_by_thread()
    with _quiet():
        net, loaded = AutoModel.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    absent = sorted(name for name in loaded["missing_keys"] if "pooler" not in name)  # its output is not used
    if absent:
        raise ValueError(f"the weights in {folder} lack {', '.join(absent[:3])}; that part would be random")
    prepared = _read_json(folder / "preprocessor_config.json")
    side = _side_of(prepared.get("crop_size") or prepared.get("size")) or getattr(net.config, "image_size", None)
    mean, std = prepared.get("image_mean", IMAGENET_MEAN), prepared.get("image_std", IMAGENET_STD)
    channels = [torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (mean, std)]
    return VisionNet(net.to(device).eval(), int(side or IMAGE_SIDE), *channels)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the bars and reports of transformers out of the output of a fit."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()


def _read_json(path: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _side_of(size: Any) -> int | None:
    """Return the side of a size in any form that transformers has written: a number, or a mapping."""
    if isinstance(size, Mapping):
        return next((int(size[name]) for name in ("height", "shortest_edge") if name in size), None)
    return int(size) if size else None
