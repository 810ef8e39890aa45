"""Specs of the nets of many kinds of data: some stop early on held-out rows, some follow a rate that ends at zero."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from bakeoff.estimators.search_spaces.space import Params, Trial
from bakeoff.estimators.specs.linear import CLASSES
from bakeoff.estimators.specs.spec import BuildContext, ModelSpec
from bakeoff.tasks import Kind

PREPROCESSORS: dict[Kind, str] = {"tabular": "one-hot-normal", "image": "global-scaled", "series": "series-scaled"}
TRAINING = {"dtype": "float32", "early_stopping": True, "max_epochs": 200, "n_iter_no_change": 16, "batch_size": 128}

# A learning rate that ends at zero takes the place of rows that are held out to tell when to stop.
SCHEDULED = {
    "dtype": "float32",
    "optimizer": "adamw",
    "weight_decay": 1e-2,
    "schedule": "one-cycle",
    "batch_size": "auto",
    "max_epochs": "auto",
    "max_auto_epochs": 60,
    "n_iter_no_change": 1000,
}


def dropout_or_none(trial: Trial, high: float) -> float:
    """Suggest no dropout or a share of it."""
    if trial.suggest_categorical("dropout_is_zero", [True, False]):
        return 0.0
    return trial.suggest_float("dropout", 0, high)


def weight_decay_or_none(trial: Trial, low: float, high: float) -> float:
    """Suggest no weight decay or some."""
    if trial.suggest_categorical("weight_decay_is_zero", [True, False]):
        return 0.0
    return trial.suggest_float("weight_decay", low, high, log=True)


# What all nets have in common.
net_spec = partial(
    ModelSpec,
    family="deep",
    tasks=(*CLASSES, "regression"),
    requires="torch",
    capped_params={"epochs": "max_epochs"},
    takes_validation_rows=True,
    fits_folds_together=True,
)


def net_builder(architecture: str, *, shaped: bool = False) -> Callable[[BuildContext, Params], Any]:
    """Return what builds the nets of an architecture, "MLP" say; those that fold rows back are told the shape."""
    return partial(_build_net, architecture, shaped)


def _build_net(architecture: str, shaped: bool, context: BuildContext, params: Params) -> Any:
    estimators = import_module("bakeoff.estimators")
    kind = getattr(estimators, architecture + ("Regressor" if context.task == "regression" else "Classifier"))
    shape = {"input_shape": context.input_shape} if shaped else {}
    return kind(**{"random_state": context.random_state, "device": context.device, **shape, **params})


def _mlp_space(trial: Trial, task: str) -> Params:
    del task
    n_layers = trial.suggest_int("n_layers", 1, 8)
    width = trial.suggest_int("width", 64, 512, log=True)
    return {
        "hidden_layer_sizes": (width,) * n_layers,
        "dropout": dropout_or_none(trial, 0.5),
        "learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-2, log=True),
        "weight_decay": weight_decay_or_none(trial, 1e-6, 1e-3),
    }


def _embedded_space(trial: Trial, task: str) -> Params:
    del task
    n_layers = trial.suggest_int("n_layers", 1, 5)
    width = trial.suggest_int("width", 64, 1024, log=True)
    return {
        "hidden_layer_sizes": (width,) * n_layers,
        "n_bins": trial.suggest_int("n_bins", 2, 128),
        "embedding_size": trial.suggest_int("embedding_size", 8, 32),
        "dropout": dropout_or_none(trial, 0.5),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 5e-3, log=True),
        "weight_decay": weight_decay_or_none(trial, 1e-4, 1e-1),
    }


def _cnn_space(trial: Trial, task: str) -> Params:
    del task
    n_layers = trial.suggest_int("n_layers", 1, 3)
    filters = trial.suggest_int("filters", 4, 64, log=True)
    return {
        "channels": tuple(filters * 2**layer for layer in range(n_layers)),
        "kernel_size": trial.suggest_categorical("kernel_size", [3, 5, 7, 9]),
        "hidden_layer_sizes": (trial.suggest_int("hidden_size", 8, 256, log=True),),
        "dropout": trial.suggest_float("dropout", 0, 0.9),
        "learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-1, log=True),
    }


def _lstm_space(trial: Trial, task: str) -> Params:
    del task
    filters = trial.suggest_int("filters", 16, 128, log=True)
    return {
        "convolution_channels": (filters,) * trial.suggest_int("n_convolutions", 1, 3),
        "hidden_size": trial.suggest_int("hidden_size", 20, 200, log=True),
        "num_layers": trial.suggest_int("num_layers", 1, 3),
        "dropout": dropout_or_none(trial, 0.5),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
    }


NET_SPECS = (
    net_spec(
        name="mlp",
        summary="multilayer perceptron",
        kinds=("tabular", "image", "series"),
        build=net_builder("MLP"),
        preprocessors=PREPROCESSORS,
        default={
            "n_layers": 2,
            "width": 256,
            "dropout_is_zero": False,
            "dropout": 0.1,
            "learning_rate": 1e-3,
            "weight_decay_is_zero": False,
            "weight_decay": 1e-5,
        },
        fixed={**TRAINING, "optimizer": "adamw"},
        space=_mlp_space,
        source=(
            "Gorishniy et al. 2021 (Revisiting deep learning models for tabular data, NeurIPS); width "
            "64-512: TALENT (Ye et al. 2024)"
        ),
    ),
    net_spec(
        name="mlp_embeddings",
        summary="multilayer perceptron over learned vectors of the columns",
        kinds=("tabular",),
        build=net_builder("MLP"),
        preprocessors={"tabular": "embedded"},
        default={
            "n_layers": 3,
            "width": 256,
            "n_bins": 48,
            "embedding_size": 16,
            "dropout_is_zero": False,
            "dropout": 0.2,
            "learning_rate": 1e-3,
            "weight_decay_is_zero": False,
            "weight_decay": 1e-2,
        },
        fixed={**TRAINING, "optimizer": "adamw", "batch_size": 256, "numeric_embedding": "piecewise-linear"},
        space=_embedded_space,
        source=(
            "Gorishniy et al. 2022 (On embeddings for numerical features in tabular deep learning, NeurIPS); ranges: "
            "Gorishniy et al. 2025 (TabM, ICLR)"
        ),
    ),
    net_spec(
        name="cnn",
        summary="convolutional net over images or series",
        kinds=("image", "series"),
        build=net_builder("CNN", shaped=True),
        preprocessors=PREPROCESSORS,
        default={
            "n_layers": 2,
            "filters": 32,
            "kernel_size": 5,
            "hidden_size": 128,
            "dropout": 0.25,
            "learning_rate": 2e-3,
        },
        fixed={**SCHEDULED, "batch_norm": True},
        capped_params={"epochs": "max_auto_epochs"},
        space=_cnn_space,
        source=(
            "Falkner et al. 2018 (BOHB, ICML), the authors' worked example of a convolutional net; kernels: LeCun et "
            "al. 1998 (LeNet-5) and Wang et al. 2017 (Time series classification from scratch, IJCNN)"
        ),
    ),
    net_spec(
        name="lstm",
        summary="bidirectional LSTM behind convolutions, over the steps of a series or the rows of an image",
        kinds=("image", "series"),
        build=net_builder("LSTM", shaped=True),
        preprocessors=PREPROCESSORS | {"series": "steps"},
        default={
            "filters": 64,
            "n_convolutions": 2,
            "hidden_size": 64,
            "num_layers": 1,
            "dropout_is_zero": True,
            "learning_rate": 2e-3,
        },
        fixed={
            **SCHEDULED,
            "convolution_kernel_size": 7,
            "convolution_stride": "auto",
            "activation": "relu",
            "bidirectional": True,
            "pooling": "max",
            "batch_norm": True,
        },
        capped_params={"epochs": "max_auto_epochs"},
        space=_lstm_space,
        source=(
            "Greff et al. 2017 (LSTM: a search space odyssey, TNNLS); layers, dropout: neuralforecast (Nixtla); "
            "convolutions: Ordonez and Roggen 2016 (DeepConvLSTM, Sensors)"
        ),
    ),
)
