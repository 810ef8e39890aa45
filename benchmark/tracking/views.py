"""Views of MLflow's page, one for each data set: its models sorted by score, the columns and the charts that matter.

MLflow keeps named views (3.17 shows them under "Views", 3.10 did not yet) as tags of the experiment: the state of its
page as compressed JSON. Earlier pages don't know the names; links with a filter and an order work in all.
"""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from bakeoff.seeds import digest_parts
from bakeoff.tracking.rows import FOLD_METRIC_PREFIX

PREFIX = "mlflow.sharedViewState.bakeoff-"
WORKFLOW_QUERY = {"workflowType": "machine_learning"}  # else the page opens on runs of language models
BASELINE = "dummy"
MAX_VIEWS = 20
MAX_TAG_LENGTH = 5000
Datasets = Mapping[str, Mapping[str, Any]]


def view_tags(datasets: Datasets, now_ms: int) -> dict[str, str]:
    """Return the tags of the experiment that keep a view of each of its first twenty data sets.

    Parameters
    ----------
    datasets : mapping
        As in the plan, with the `primary` metric of each.
    now_ms : int
        Milliseconds since 1970.
    """
    views = {}
    for name, about in list(datasets.items())[:MAX_VIEWS]:
        packed = base64.b64encode(zlib.compress(json.dumps(_state(name, about["primary"])).encode())).decode()
        value = {"name": f"{name} by {about['primary']}", "createdAt": now_ms, "updatedAt": now_ms}
        text = json.dumps({**value, "state": f"deflate;{packed}"})
        if len(text) <= MAX_TAG_LENGTH:
            views[f"{PREFIX}{digest_parts(dataset=name, metric=about['primary'])[:12]}"] = text
    return views


def path_of_experiment(experiment_id: str, dataset: str | None = None) -> str:
    """Return where MLflow's page shows an experiment; with a data set, its models sorted by score."""
    chosen = {"searchFilter": _filter(dataset), "orderByKey": "metrics.`score`", "orderByAsc": "false"}
    words = urlencode({**(chosen if dataset is not None else {}), **WORKFLOW_QUERY})
    return f"#/experiments/{experiment_id}/runs?{words}"


def path_of_run(experiment_id: str, run_id: str, artifact: str = "") -> str:
    """Return where MLflow's page shows a run, or one of its artifacts."""
    part = f"/artifacts/{artifact}" if artifact else ""
    return f"#/experiments/{experiment_id}/runs/{run_id}{part}?{urlencode(WORKFLOW_QUERY)}"


def _filter(dataset: str | None) -> str:
    mark = '"' if "'" in str(dataset) else "'"
    return f"tags.dataset = {mark}{dataset}{mark} and tags.train_fraction = '1'"


def _state(dataset: str, metric: str) -> dict[str, Any]:
    columns = (metric, f"{metric}_std", "cpu_s", "predict_s", "peak_mb")
    return {
        "searchFilter": f"{_filter(dataset)} and tags.model != '{BASELINE}'",  # it would squeeze every axis
        "orderByKey": "metrics.`score`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [*(f"metrics.`{name}`" for name in columns), "tags.`family`", "tags.`folds`"],
        "columnOrder": [],
        "columnWidths": {},
        "runsHiddenMode": "SHOWALL",
        "compareRunSections": [_section(name) for name in ("Score", "Cost")],
        "compareRunCharts": list(_charts(metric)),
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": True,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
    }


def _section(name: str) -> dict[str, Any]:
    return {"uuid": name, "name": name, "display": True, "isReordered": True, "deleted": False, "isGenerated": False}


def _charts(metric: str) -> Iterator[dict[str, Any]]:
    yield _chart("BAR", "Score", metric, metricKey=metric)
    yield _chart(
        "SCATTER",
        "Score",
        f"{metric} and CPU seconds",
        xaxis={"key": "cpu_s", "type": "METRIC"},
        yaxis={"key": metric, "type": "METRIC"},
    )
    yield _chart(
        "LINE",
        "Score",
        f"{metric} on each outer fold",
        metricKey=f"{FOLD_METRIC_PREFIX}/{metric}",
        selectedMetricKeys=[f"{FOLD_METRIC_PREFIX}/{metric}"],
        lineSmoothness=0,
        xAxisScaleType="linear",
        scaleType="linear",
        range={},
        xAxisKey="step",
        selectedXAxisMetricKey="",
        yAxisKey="metric",
        yAxisExpressions=[],
        ignoreOutliers=False,
        useGlobalXaxisKey=True,
        useGlobalLineSmoothing=True,
    )
    for cost in ("cpu_s", "predict_s", "peak_mb"):
        yield _chart("BAR", "Cost", cost, metricKey=cost)


def _chart(kind: str, section: str, title: str, **what: Any) -> dict[str, Any]:
    return {
        "uuid": title,
        "type": kind,
        "runsCountToCompare": 100,
        "metricSectionId": section,
        "deleted": False,
        "isGenerated": False,
        "displayName": title,
        **what,
    }
