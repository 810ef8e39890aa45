"""Specs of the nets that are made for series. All follow a learning rate that ends at zero, on all rows."""

from functools import partial

from bakeoff.estimators.net_specs.nets import dropout_or_none, net_builder, net_spec
from bakeoff.estimators.search_spaces.space import Params, Trial
from bakeoff.tasks import Kind

PREPROCESSORS: dict[Kind, str] = {"series": "series-scaled"}
TRAINING = {"dtype": "float32", "max_epochs": "auto", "max_auto_epochs": 150}
DEFAULT = {"learning_rate": 2e-3, "weight_decay": 1e-2}
RATES = "learning rate and weight decay: as for TabM (Gorishniy et al. 2025, ICLR), a step wider"


def _rates(trial: Trial) -> Params:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-5, 1e-1, log=True),
    }


def _inception_space(trial: Trial, task: str) -> Params:
    del task
    longest = trial.suggest_categorical("longest_kernel", [10, 20, 40, 64])
    return {
        "depth": trial.suggest_categorical("depth", [3, 6, 9]),
        "n_filters": trial.suggest_categorical("n_filters", [16, 32, 64]),
        "kernel_sizes": (longest, longest // 2, longest // 4),
        **_rates(trial),
    }


def _lite_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "n_filters": trial.suggest_categorical("n_filters", [16, 32, 64]),
        "kernel_size": trial.suggest_categorical("kernel_size", [10, 20, 40, 64]),
        **_rates(trial),
    }


def _width_space(trial: Trial, task: str, *, widths: tuple[int, int, int], high: int) -> Params:
    del task
    width = trial.suggest_int("width", 16, high, log=True)
    return {"n_filters": tuple(width * times for times in widths), **_rates(trial)}


def _lstm_fcn_space(trial: Trial, task: str) -> Params:
    return {
        **_width_space(trial, task, widths=(1, 2, 1), high=256),
        "hidden_size": trial.suggest_categorical("hidden_size", [8, 64, 128]),
        "dropout": dropout_or_none(trial, 0.8),
    }


series_net_spec = partial(
    net_spec,
    kinds=("series",),
    preprocessors=PREPROCESSORS,
    fixed=TRAINING,
    capped_params={"epochs": "max_auto_epochs"},
)

SERIES_NET_SPECS = (
    series_net_spec(
        name="lite_time",
        summary="five small nets of learned and fixed kernels (LITETime): the net to try first, quick on a CPU",
        build=net_builder("LITETime", shaped=True),
        default={"n_filters": 32, "kernel_size": 40, **DEFAULT},
        space=_lite_space,
        source=f"Ismail-Fawaz et al. 2023 (LITE, DSAA); filters and kernels: half and twice theirs; {RATES}",
    ),
    series_net_spec(
        name="inception_time",
        summary="five deep nets of long and short kernels (InceptionTime): the field's reference, wants a GPU",
        build=net_builder("InceptionTime", shaped=True),
        max_cpu_rows=300,
        default={"depth": 6, "n_filters": 32, "longest_kernel": 40, **DEFAULT},
        space=_inception_space,
        source=f"Ismail Fawaz et al. 2020 (InceptionTime, DMKD), its sections 5.2-5.4; {RATES}",
    ),
    series_net_spec(
        name="series_resnet",
        summary="residual net over series: where one deep net is wanted and a GPU is there",
        build=net_builder("SeriesResNet", shaped=True),
        max_cpu_rows=1_000,
        default={"width": 64, **DEFAULT},
        space=partial(_width_space, widths=(1, 2, 2), high=128),
        source=f"Wang et al. 2017 (Time series classification from scratch, IJCNN); width: a quarter to twice; {RATES}",
    ),
    series_net_spec(
        name="fcn",
        summary="fully convolutional net over series: a plain and strong baseline",
        build=net_builder("FCN", shaped=True),
        default={"width": 128, **DEFAULT},
        space=partial(_width_space, widths=(1, 2, 1), high=256),
        source=f"Wang et al. 2017 (Time series classification from scratch, IJCNN); width: an eighth to twice; {RATES}",
    ),
    series_net_spec(
        name="lstm_fcn",
        summary="fully convolutional net beside an LSTM: where the place of a pattern matters, too",
        build=net_builder("LSTMFCN", shaped=True),
        default={"width": 128, "hidden_size": 8, "dropout_is_zero": False, "dropout": 0.8, **DEFAULT},
        space=_lstm_fcn_space,
        source=f"Karim et al. 2017 (LSTM fully convolutional networks, IEEE Access): cells 8, 64, 128; {RATES}",
    ),
)
