"""Modules and classes by the names that they had before: pickles of estimators made then still load.

A pickle names each class by its module. Models that were exported, logged to MLflow, or kept in a run folder name
modules that have moved since; importing such a name gives the module where its classes are today.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PACKAGE = "bakeoff.estimators."
# Room -> the modules that moved into it; `old=new` where the name changed, too.
MOVED = {
    "layers": "augmentation convolutional embeddings layers networks recurrent streams=random_numbers",
    "training": (
        "batches history inference objectives optimizers progress_bar rows stopping "
        "resume=history uncertainty=inference grouping=replica_grouping program=replica_group training=loop"
    ),
    "preprocessing": (
        "scaling series_features series_gaps tabular_encoding tokenizer "
        "categories=categorical_columns rocket=mini_rocket"
    ),
    "nets": "cnn custom folds lstm mlp net net_classifier net_regressor persistence vocabulary",
    "search_spaces": "space edges=bounds points=grid",
    "wrappers": "averaged=averaging rounds=boosting_callbacks xgb=xgboost",
    "specs": (
        "spec specs_boosting=boosting specs_linear=linear specs_series=series specs_simple=simple specs_trees=trees"
    ),
    "net_specs": "specs_nets=nets specs_text_nets=text_nets",
    "models": "pipelines registry front_ends=preprocessors",
}
# Former module and class -> the class's name of today.
RENAMED = {
    "batches.Store": "BatchStore",
    "categories.Categories": "CategoricalColumns",
    "embeddings.Categories": "CategoryEmbedding",
    "embeddings.Columns": "ColumnEmbeddings",
    "embeddings.Numbers": "NumericEmbedding",
    "layers.Lanes": "ReplicaContext",
    "networks.Solo": "SingleNetwork",
    "program.Program": "ReplicaGroup",
    "resume.Resume": "PartialFitState",
}


def list_moved() -> dict[str, str]:
    """Return old and new full names of modules."""
    pairs = ((room, *name.partition("=")) for room, names in MOVED.items() for name in names.split())
    return {PACKAGE + old: f"{PACKAGE}{room}.{new or old}" for room, old, _, new in pairs}


class FormerModules(MetaPathFinder, Loader):
    """Finds modules by their former names, after all other finders failed."""

    def __init__(self) -> None:
        self._moved = list_moved()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec for a former name."""
        del path, target
        return ModuleSpec(fullname, self) if fullname in self._moved else None

    def exec_module(self, module: ModuleType) -> None:
        """Let the module hand out what is in its place today, by former names, too."""
        today = import_module(self._moved[module.__name__])

        former = module.__name__.removeprefix(PACKAGE)

        def find(name: str) -> Any:
            return getattr(today, RENAMED.get(f"{former}.{name}", name))

        module.__getattr__ = find  # type: ignore[method-assign]  # PEP 562


def install() -> None:
    """Make former names importable; doing so twice changes nothing."""
    if not any(isinstance(finder, FormerModules) for finder in sys.meta_path):
        sys.meta_path.append(FormerModules())
