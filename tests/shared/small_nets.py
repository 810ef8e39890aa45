"""Small instances of the nets that are made for one kind of data, quick enough for every test that runs over nets."""

from typing import Any

from sklearn.base import clone

from bakeoff.estimators import (
    AveragedEmbeddingsClassifier,
    AveragedEmbeddingsRegressor,
    FCNClassifier,
    FCNRegressor,
    FTTransformerClassifier,
    FTTransformerRegressor,
    ImageResNetClassifier,
    ImageResNetRegressor,
    InceptionTimeClassifier,
    InceptionTimeRegressor,
    LITETimeClassifier,
    LITETimeRegressor,
    LSTMFCNClassifier,
    LSTMFCNRegressor,
    RealMLPClassifier,
    RealMLPRegressor,
    SeriesResNetClassifier,
    SeriesResNetRegressor,
    TabMClassifier,
    TabMRegressor,
    TabularResNetClassifier,
    TabularResNetRegressor,
    TextTransformerClassifier,
    TextTransformerRegressor,
    WideResNetClassifier,
    WideResNetRegressor,
)

INCEPTION: dict[str, Any] = {"depth": 3, "n_filters": 4, "kernel_sizes": (5, 3), "bottleneck_size": 3, "n_members": 2}
LITE: dict[str, Any] = {"n_filters": 4, "kernel_size": 8, "n_members": 2}
FCN: dict[str, Any] = {"n_filters": (16, 16), "kernel_sizes": (5, 3)}
IMAGE_RESNET: dict[str, Any] = {"n_filters": (8, 8)}
WIDE_RESNET: dict[str, Any] = {"n_filters": (4, 4), "n_blocks": 1, "widen_factor": 2}
TABM: dict[str, Any] = {"n_members": 4, "hidden_layer_sizes": (16, 8)}
REALMLP: dict[str, Any] = {"hidden_layer_sizes": (16, 8), "n_frequencies": 4, "dropout": 0.0}
RESNET: dict[str, Any] = {"n_blocks": 2, "block_size": 8, "hidden_dropout": 0.0, "residual_dropout": 0.0}
FT_TRANSFORMER: dict[str, Any] = {
    "n_blocks": 2,
    "embedding_size": 8,
    "n_heads": 2,
    "attention_dropout": 0.0,
    "hidden_dropout": 0.0,
}
TEXT_TRANSFORMER: dict[str, Any] = {
    "n_blocks": 1,
    "embedding_size": 8,
    "n_heads": 2,
    "hidden_size": 8,
    "dropout": 0.0,
    "word_dropout": 0.0,
}
AVERAGED: dict[str, Any] = {"embedding_size": 8, "n_buckets": 31, "dropout": 0.0}
CLASSIFIERS = [
    InceptionTimeClassifier(**INCEPTION),
    LITETimeClassifier(**LITE),
    FCNClassifier(**FCN),
    SeriesResNetClassifier(**FCN),
    LSTMFCNClassifier(**FCN),
    ImageResNetClassifier(**IMAGE_RESNET),
    WideResNetClassifier(**WIDE_RESNET),
    TabMClassifier(**TABM),
    RealMLPClassifier(**REALMLP),
    TabularResNetClassifier(**RESNET),
    FTTransformerClassifier(**FT_TRANSFORMER),
    TextTransformerClassifier(**TEXT_TRANSFORMER),
    AveragedEmbeddingsClassifier(**AVERAGED),
]
REGRESSORS = [
    InceptionTimeRegressor(**INCEPTION),
    LITETimeRegressor(**LITE),
    FCNRegressor(**FCN),
    SeriesResNetRegressor(**FCN),
    LSTMFCNRegressor(**FCN),
    ImageResNetRegressor(**IMAGE_RESNET),
    WideResNetRegressor(**WIDE_RESNET),
    TabMRegressor(**TABM),
    RealMLPRegressor(**REALMLP),
    TabularResNetRegressor(**RESNET),
    FTTransformerRegressor(**FT_TRANSFORMER),
    TextTransformerRegressor(**TEXT_TRANSFORMER),
    AveragedEmbeddingsRegressor(**AVERAGED),
]
ENSEMBLES = ("InceptionTime", "LITETime")  # their members are nets of their own


def small_nets(**params: Any) -> list[Any]:
    """Return all of them, unfitted, with some parameters."""
    return [clone(net).set_params(**params) for net in (*CLASSIFIERS, *REGRESSORS)]


def small_classifiers(**params: Any) -> list[Any]:
    """Return the classifiers among them."""
    return [clone(net).set_params(**params) for net in CLASSIFIERS]


def small_regressors(**params: Any) -> list[Any]:
    """Return the regressors among them."""
    return [clone(net).set_params(**params) for net in REGRESSORS]
