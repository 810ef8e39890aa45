"""Specs of TabM, the ensemble of multilayer perceptrons that share their weights, over plain and embedded numbers."""

from functools import partial

from bakeoff.estimators.net_specs.nets import dropout_or_none, net_builder, net_spec, weight_decay_or_none
from bakeoff.estimators.search_spaces.space import Params, Trial
from bakeoff.tasks import Kind

PREPROCESSORS: dict[Kind, str] = {"tabular": "embedded-normal"}
TRAINING = {"dtype": "float32", "early_stopping": True, "max_epochs": 300, "n_iter_no_change": 16}
DEFAULT = {
    "learning_rate": 2e-3,
    "dropout_is_zero": False,
    "dropout": 0.1,
    "weight_decay_is_zero": False,
    "weight_decay": 3e-4,
}
SOURCE = (
    "Gorishniy et al. 2025 (TabM, ICLR), its ranges; the default is narrower than the authors' 512 units, for a CPU: "
    "tabm_full has theirs"
)


def _space(trial: Trial, task: str, *, embeds: bool) -> Params:
    del task
    n_blocks = trial.suggest_int("n_blocks", 1, 4 if embeds else 5)
    width = trial.suggest_int("width", 64, 1024, log=True)
    params: Params = {
        "hidden_layer_sizes": (width,) * n_blocks,
        "dropout": dropout_or_none(trial, 0.5),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 3e-3, log=True),
        "weight_decay": weight_decay_or_none(trial, 1e-4, 1e-1),
    }
    if embeds:
        params["n_bins"] = trial.suggest_int("n_bins", 2, 128)
        params["embedding_size"] = trial.suggest_int("embedding_size", 8, 32)
    return params


tabm_spec = partial(net_spec, kinds=("tabular",), build=net_builder("TabM"), preprocessors=PREPROCESSORS, source=SOURCE)

TABM_SPECS = (
    tabm_spec(
        name="tabm",
        summary="16 perceptrons that share their weights (TabM): the net to try first on tables",
        default={"n_blocks": 3, "width": 128, **DEFAULT},
        fixed={**TRAINING, "n_members": 16},
        space=partial(_space, embeds=False),
    ),
    tabm_spec(
        name="tabm_embeddings",
        summary="TabM over piecewise-linear embeddings of numbers: better still where thresholds matter, slower",
        default={"n_blocks": 2, "width": 128, "n_bins": 48, "embedding_size": 16, **DEFAULT},
        fixed={**TRAINING, "numeric_embedding": "piecewise-linear", "arch_type": "tabm-mini"},
        space=partial(_space, embeds=True),
    ),
    tabm_spec(
        name="tabm_full",
        summary="TabM as its authors have it, 32 perceptrons of three layers of 512: for GPUs, and small tables",
        max_cpu_rows=2_000,
        default={"n_blocks": 3, "width": 512, **DEFAULT},
        fixed=TRAINING,
        space=partial(_space, embeds=False),
    ),
)
