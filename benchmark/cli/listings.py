"""Everything that has a name: models, data sets, suites and metrics, as plain rows."""

from collections.abc import Iterator
from typing import Any

Row = dict[str, Any]


def list_models() -> Iterator[Row]:
    """Yield the registered models, installed or not."""
    from bakeoff.estimators.models.pretrained import describe_spec
    from bakeoff.estimators.models.registry import all_specs

    for spec in all_specs().values():
        yield {
            "name": spec.name,
            "family": spec.family,
            "summary": spec.summary,
            "tasks": list(spec.tasks),
            "kinds": list(spec.kinds),
            "space": spec.source,
            "limits": spec.limits,
            "pretrained": describe_spec(spec),
            "extra": spec.extra,
            "installed": spec.is_installed,
        }


def list_datasets() -> Iterator[Row]:
    """Yield the registered data sets."""
    from bakeoff.datasets.sources.registry import ENTRIES

    for entry in ENTRIES.values():
        yield {
            "name": entry.id,
            "task": entry.task,
            "kind": entry.kind,
            "rows": entry.rows,
            "summary": entry.summary,
        }


def list_suites() -> Iterator[Row]:
    """Yield the shipped suites."""
    from bakeoff.suites.suite_file import list_shipped, load_suite

    for name in list_shipped():
        yield {"name": name, "summary": load_suite(name).description}


def list_metrics() -> Iterator[Row]:
    """Yield the standard metrics."""
    from bakeoff.protocol.metrics import METRICS

    for metric in METRICS.values():
        yield {
            "name": metric.name,
            "better": "greater" if metric.greater_is_better else "smaller",
            "tasks": list(metric.tasks),
            "needs": metric.needs,
            "summary": metric.summary,
        }


LISTINGS = {"models": list_models, "datasets": list_datasets, "suites": list_suites, "metrics": list_metrics}
