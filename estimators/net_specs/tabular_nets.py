"""Specs of nets that are made for tables: the tuned recipe RealMLP, a residual net, attention among columns."""

from functools import partial
from typing import Any

from bakeoff.estimators.net_specs.nets import net_builder, net_spec
from bakeoff.estimators.search_spaces.space import Params, Trial, suggest_or_zero
from bakeoff.estimators.specs.spec import BuildContext
from bakeoff.tasks import Kind

PREPROCESSORS: dict[Kind, str] = {"tabular": "embedded-normal"}
REVISITED = "Gorishniy et al. 2021 (Revisiting deep learning models for tabular data, NeurIPS)"


def _build_realmlp(context: BuildContext, params: Params) -> Any:
    # Two classes are judged by the area under the ROC curve, for which the authors advise this.
    own = {"label_smoothing": 0.0, "monitor": "loss"} if context.task == "binary" else {}
    return net_builder("RealMLP")(context, {**own, **params})


def _realmlp_space(trial: Trial, task: str) -> Params:
    n_layers = trial.suggest_int("n_layers", 2, 4)
    width = trial.suggest_categorical("width", [256, 384, 512])
    params = {
        "hidden_layer_sizes": (width,) * n_layers,
        "activation": trial.suggest_categorical("activation", ["mish", "selu"]),
        "dropout": trial.suggest_float("dropout", 0, 0.5),
        "frequency_scale": trial.suggest_float("frequency_scale", 1e-2, 50, log=True),
        "beta_2": 1 - trial.suggest_float("one_minus_beta_2", 5e-3, 5e-2, log=True),
        "embedding_rate_factor": trial.suggest_float("embedding_rate_factor", 0.05, 0.3, log=True),
        "scale_rate_factor": trial.suggest_float("scale_rate_factor", 2, 10, log=True),
        "first_layer_rate_factor": trial.suggest_float("first_layer_rate_factor", 0.3, 1.5, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.3, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-3, 5e-2, log=True),
        "max_one_hot": trial.suggest_int("max_one_hot", 3, 32, log=True),
        "category_size": trial.suggest_categorical("category_size", [4, 8, 16]),
    }
    if task == "multiclass":
        params["label_smoothing"] = suggest_or_zero(trial, "label_smoothing", 5e-3, 0.1)
    return params


def _residual_dropout(trial: Trial, high: float) -> float:
    if trial.suggest_categorical("residual_dropout_is_zero", [True, False]):
        return 0.0
    return trial.suggest_float("residual_dropout", 0, high)


def _resnet_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "n_blocks": trial.suggest_int("n_blocks", 1, 8),
        "block_size": trial.suggest_int("block_size", 64, 512, log=True),
        "hidden_factor": trial.suggest_float("hidden_factor", 1, 4),
        "hidden_dropout": trial.suggest_float("hidden_dropout", 0, 0.5),
        "residual_dropout": _residual_dropout(trial, 0.5),
        "learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-2, log=True),
        "weight_decay": suggest_or_zero(trial, "weight_decay", 1e-6, 1e-1),
    }


def _ft_transformer_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "n_blocks": trial.suggest_int("n_blocks", 1, 4),
        "embedding_size": 8 * trial.suggest_int("size_of_head", 8, 64),
        "hidden_factor": trial.suggest_float("hidden_factor", 2 / 3, 8 / 3),
        "attention_dropout": trial.suggest_float("attention_dropout", 0, 0.5),
        "hidden_dropout": trial.suggest_float("hidden_dropout", 0, 0.5),
        "residual_dropout": _residual_dropout(trial, 0.2),
        "learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-3, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-3, log=True),
    }


table_spec = partial(net_spec, kinds=("tabular",))

TABULAR_NET_SPECS = (
    table_spec(
        name="realmlp",
        summary="perceptron with the tuned defaults of RealMLP: take it untuned, from some thousand rows on",
        build=_build_realmlp,
        preprocessors={"tabular": "embedded-filled"},
        default={
            "n_layers": 3,
            "width": 256,
            "activation": "selu",
            "dropout": 0.15,
            "frequency_scale": 0.1,
            "one_minus_beta_2": 0.05,
            "embedding_rate_factor": 0.1,
            "scale_rate_factor": 6.0,
            "first_layer_rate_factor": 1.0,
            "learning_rate": 0.04,
            "weight_decay": 0.02,
            "max_one_hot": 8,
            "category_size": 8,
            "label_smoothing_is_zero": False,
            "label_smoothing": 0.1,
        },
        regression_default={"activation": "mish", "learning_rate": 0.2},
        fixed={"dtype": "float32", "early_stopping": True, "max_epochs": 256, "n_iter_no_change": 256},
        space=_realmlp_space,
        source=(
            "Holzmüller et al. 2024 (Better by default, NeurIPS), their defaults; ranges: TabArena (Erickson et al. "
            "2025), without its wide embeddings, and with SELU"
        ),
    ),
    table_spec(
        name="tabular_resnet",
        summary="residual net over columns: deeper than the perceptron, and about as fast",
        build=net_builder("TabularResNet"),
        preprocessors=PREPROCESSORS,
        default={
            "n_blocks": 2,
            "block_size": 128,
            "hidden_factor": 2.0,
            "hidden_dropout": 0.25,
            "residual_dropout_is_zero": False,
            "residual_dropout": 0.1,
            "learning_rate": 1e-3,
            "weight_decay_is_zero": False,
            "weight_decay": 1e-2,
        },
        fixed={
            "dtype": "float32",
            "early_stopping": "auto",
            "max_epochs": 200,
            "n_iter_no_change": 20,
            "batch_size": 128,
        },
        space=_resnet_space,
        source=f"{REVISITED}; default and weight decay: TabZilla (McElfresh et al. 2023, NeurIPS)",
    ),
    table_spec(
        name="ft_transformer",
        summary="attention among columns (FT-Transformer): on a CPU a minute per 1,000 rows of 8 columns; for GPUs",
        build=net_builder("FTTransformer"),
        max_cpu_rows=3_000,
        preprocessors=PREPROCESSORS,
        default={
            "n_blocks": 3,
            "size_of_head": 24,
            "hidden_factor": 4 / 3,
            "attention_dropout": 0.2,
            "hidden_dropout": 0.1,
            "residual_dropout_is_zero": True,
            "residual_dropout": 0.0,
            "learning_rate": 1e-4,
            "weight_decay": 1e-5,
        },
        fixed={
            "dtype": "float32",
            "early_stopping": "auto",
            "max_epochs": 200,
            "n_iter_no_change": 16,
            "batch_size": 256,
        },
        space=_ft_transformer_space,
        source=f"{REVISITED}, defaults and ranges, with 8 heads",
    ),
)
