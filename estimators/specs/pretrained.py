"""Specs of pretrained models: they read the training rows as context. Their weights are found, never downloaded."""

from pathlib import Path
from typing import Any

from bakeoff.estimators.search_spaces.space import Params
from bakeoff.estimators.specs.linear import CLASSES
from bakeoff.estimators.specs.spec import BuildContext, ModelSpec
from bakeoff.tasks import Kind, Task

NATIVE: dict[Kind, str] = {"tabular": "native"}


def _build_tabicl(context: BuildContext, params: Params) -> Any:
    from bakeoff.estimators.wrappers.tabicl import TabICLClassifier, TabICLRegressor

    kind = TabICLRegressor if context.task == "regression" else TabICLClassifier
    resources = {"device": context.device, "random_state": context.random_state, "n_jobs": context.threads}
    return kind(**{**resources, **params})


def _find_tabicl_weights(task: Task, given: str | None) -> Path:
    from bakeoff.estimators.wrappers.tabicl import find_tabicl_weights

    return find_tabicl_weights(task, given)


def _build_tabpfn(context: BuildContext, params: Params) -> Any:
    from bakeoff.estimators.wrappers.tabpfn import TabPFNClassifier, TabPFNRegressor

    kind = TabPFNRegressor if context.task == "regression" else TabPFNClassifier
    return kind(**{"device": context.device, "random_state": context.random_state, **params})


def _find_tabpfn_weights(task: Task, given: str | None) -> Path:
    from bakeoff.estimators.wrappers.tabpfn import find_tabpfn_weights

    return find_tabpfn_weights(task, given)


PRETRAINED_SPECS = (
    ModelSpec(
        name="tabicl",
        family="deep",
        summary="TabICL, a pretrained transformer that reads the training rows as context",
        tasks=(*CLASSES, "regression"),
        kinds=("tabular",),
        build=_build_tabicl,
        preprocessors=NATIVE,
        source="nothing to tune: made to be used as it is (Qu et al. 2026, TabICLv2, ICML)",
        requires="tabicl",
        extra="tabicl",
        max_rows=100_000,
        max_rows_reason="TabICL was shown to work on 300 to 100,000 rows",
        max_features=2_000,
        pretrained="synthetic tables",
        licence="BSD-3-Clause",
        find_weights=_find_tabicl_weights,
    ),
    ModelSpec(
        name="tabpfn",
        family="deep",
        summary="TabPFN, a pretrained transformer that reads the training rows as context",
        tasks=(*CLASSES, "regression"),
        kinds=("tabular",),
        build=_build_tabpfn,
        preprocessors=NATIVE,
        source="nothing to tune: made to be used as it is (Hollmann et al. 2025, Nature)",
        requires="tabpfn",
        extra="tabpfn",
        max_rows=1_000_000,
        max_rows_reason="TabPFN-3.5 refuses larger tables",
        max_cpu_rows=5_000,
        max_features=20_000,
        max_classes=160,  # of TabPFN-3 (docs.priorlabs.ai/models); older checkpoints take 10 and say so
        pretrained="synthetic tables, and for some checkpoints real ones",
        licence="of Prior Labs: no commercial use (versions from 2.5 on), attribution (version 2)",
        find_weights=_find_tabpfn_weights,
    ),
)
