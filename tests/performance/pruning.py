"""What pruning saves and what it costs: the same studies with and without it, compared by CPU time and outer score.

    python tests/performance/pruning.py [--trials 20] [--datasets breast_cancer,digits] [--models xgboost,rbf_svm]

Each line is one data set and model: CPU seconds of the study with pruning as a share of those without, the trials that
were pruned, the loss in the best inner score, and the change of the outer score, both in points of the score.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import mean
from unittest.mock import patch

import bakeoff.tuning.study
from bakeoff.evaluation.evaluate import FitResult, evaluate
from bakeoff.planning.plan import make_plan
from bakeoff.planning.staging import stage_data
from bakeoff.protocol.job import Job
from bakeoff.suites.suite_file import to_suite

NEVER = {"n_startup_trials": 10**6, "n_min_trials": 3}


def study(job: Job, pruner: dict[str, int]) -> FitResult:
    """Run one fit with a pruner's settings."""
    with patch.object(bakeoff.tuning.study, "PRUNER", pruner):
        return evaluate(job)


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--datasets", default="breast_cancer,digits,diabetes,wine")
    parser.add_argument("--models", default="xgboost,hist_gradient_boosting,random_forest,rbf_svm,knn,logistic")
    asked = parser.parse_args()
    suite = to_suite(
        {
            "name": "pruning",
            "datasets": asked.datasets.split(","),
            "models": asked.models.split(","),
            "variants": ["tuned"],
            "tuning": {"trials": asked.trials},
        }
    )
    plan = make_plan(suite)
    shares, losses, changes = [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        first = [job for job in plan.jobs if job.fold == 0]
        for job in stage_data(plan, first, Path(scratch)):
            job = replace(job, journal=None)
            with_it, without = study(job, bakeoff.tuning.study.PRUNER), study(job, NEVER)
            sign = 1 if job.metrics[job.primary].greater_is_better else -1
            cpu = [sum(trial["cpu_s"] for trial in one.trials) for one in (with_it, without)]
            inner = [one.diagnostics["inner_score"] for one in (with_it, without)]
            outer = [sign * one.metrics[job.primary] for one in (with_it, without)]
            shares.append(cpu[0] / cpu[1])
            losses.append(inner[1] - inner[0])
            changes.append(outer[0] - outer[1])
            pruned = with_it.diagnostics["trials_pruned"]
            print(
                f"{job.dataset:16} {job.choice.name:24} CPU {cpu[1]:6.1f} s -> {shares[-1]:4.0%}  pruned {pruned:2d}  "
                f"inner loss {losses[-1]:+.4f}  outer {changes[-1]:+.4f}",
                flush=True,
            )
    print(f"mean: CPU {mean(shares):.0%}, inner loss {mean(losses):+.4f}, outer {mean(changes):+.4f}")


if __name__ == "__main__":
    main()
