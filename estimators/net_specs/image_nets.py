"""Specs of the nets that are made for images. All follow a learning rate that ends at zero, on all rows.

Without a GPU each takes the rows of 28 x 28 pixels on which one core fits its default in about 20 minutes
(milliseconds for each image of an epoch: resnet 3.6, alexnet 3.7, wide_resnet 20).
"""

from functools import partial

from bakeoff.estimators.net_specs.nets import SCHEDULED, dropout_or_none, net_builder, net_spec
from bakeoff.estimators.search_spaces.space import Params, Trial
from bakeoff.tasks import Kind

PREPROCESSORS: dict[Kind, str] = {"image": "global-scaled"}
RATES = "learning rate and weight decay: a step around those of fastai's and airbench's recipes for small images"


def _rates(trial: Trial) -> Params:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 3e-4, 2e-2, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-4, 1e-1, log=True),
    }


def _resnet_space(trial: Trial, task: str) -> Params:
    del task
    width = trial.suggest_categorical("width", [16, 32, 64])
    return {
        "n_filters": (width, 2 * width, 4 * width),
        "n_blocks": trial.suggest_int("n_blocks", 1, 3),
        **_rates(trial),
    }


def _wide_resnet_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "widen_factor": trial.suggest_categorical("widen_factor", [2, 4, 8]),
        "n_blocks": trial.suggest_int("n_blocks", 1, 4),
        "dropout": dropout_or_none(trial, 0.4),
        **_rates(trial),
    }


def _alexnet_space(trial: Trial, task: str) -> Params:
    del task
    width = trial.suggest_categorical("width", [24, 48, 96])
    hidden = trial.suggest_int("hidden_size", 128, 1024, log=True)
    return {
        "channels": (width, 2 * width + width // 2, 4 * width, 4 * width, 2 * width + width // 2),
        "hidden_layer_sizes": (hidden, hidden),
        "dropout": trial.suggest_float("dropout", 0, 0.7),
        **_rates(trial),
    }


image_net_spec = partial(
    net_spec,
    kinds=("image",),
    preprocessors=PREPROCESSORS,
    capped_params={"epochs": "max_auto_epochs"},
)

IMAGE_NET_SPECS = (
    image_net_spec(
        name="resnet",
        summary="residual net for small images: the strongest of the small ones, wants a GPU beyond some thousand rows",
        build=net_builder("ImageResNet", shaped=True),
        max_cpu_rows=5_000,
        default={"width": 32, "n_blocks": 1, "learning_rate": 5e-3, "weight_decay": 1e-2},
        fixed=SCHEDULED,
        space=_resnet_space,
        source=f"He et al. 2016 (Deep residual learning, CVPR), its nets for small images: width 16; {RATES}",
    ),
    image_net_spec(
        name="wide_resnet",
        summary="wide residual net: where a GPU is there and the last tenths of a percent count",
        build=net_builder("WideResNet", shaped=True),
        max_cpu_rows=1_000,
        default={
            "widen_factor": 4,
            "n_blocks": 2,
            "dropout_is_zero": True,
            "learning_rate": 5e-3,
            "weight_decay": 1e-2,
        },
        fixed=SCHEDULED,
        space=_wide_resnet_space,
        source=f"Zagoruyko and Komodakis 2016 (Wide residual networks, BMVC): factors to 10, dropout 0.3; {RATES}",
    ),
    image_net_spec(
        name="alexnet",
        summary="five convolutions and two wide dense layers (AlexNet, for small images): a deep net without shortcuts",
        build=net_builder("CNN", shaped=True),
        max_cpu_rows=5_000,
        default={
            "width": 48,
            "hidden_size": 512,
            "dropout": 0.5,
            "learning_rate": 2e-3,
            "weight_decay": 1e-2,
        },
        fixed={
            **SCHEDULED,
            "pooling": ("max", "max", None, None, "max"),
            "batch_norm": True,
        },
        space=_alexnet_space,
        source=f"Krizhevsky et al. 2012 (ImageNet classification, NeurIPS), with half its maps and norms; {RATES}",
    ),
)
