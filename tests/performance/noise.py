"""Inner best scores against outer scores where there is nothing to learn: what reporting the former would claim.

    python tests/performance/noise.py [--trials 50] [--worlds 10]

Each world has 90 rows of three columns and labels at random; a model is tuned on inner folds and scored on outer ones.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from bakeoff.datasets.sources.load import load
from bakeoff.evaluation.evaluate import evaluate
from bakeoff.planning.inputs import InMemoryInputs
from bakeoff.planning.plan import make_plan
from bakeoff.planning.staging import stage_data
from bakeoff.suites.suite import Suite

ROWS = 90


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--worlds", type=int, default=10)
    asked = parser.parse_args()
    content = {"name": "noise", "datasets": [{"memory": "noise"}], "variants": ["tuned"], "outer_folds": 3}
    for model in ("decision_tree", "knn", "xgboost"):
        random = np.random.default_rng(0)
        inner, outer = [], []
        for _ in range(asked.worlds):
            noise = load(random.normal(size=(ROWS, 3)), random.permutation(np.arange(ROWS) % 2), name="noise")
            suite = {**content, "models": [model], "tuning": {"trials": asked.trials}, "caps": {"trees": 50}}
            plan = make_plan(Suite.model_validate(suite), InMemoryInputs({"noise": noise}, {}))
            with tempfile.TemporaryDirectory() as scratch:
                for job in stage_data(plan, plan.jobs, Path(scratch)):
                    result = evaluate(replace(job, journal=None))
                    inner.append(result.diagnostics["inner_score"])
                    outer.append(result.metrics["roc_auc"])
        error = np.std(outer, ddof=1) / np.sqrt(len(outer))
        print(
            f"{model}: best of {asked.trials} trials inside {np.mean(inner):.3f}, "
            f"outer folds {np.mean(outer):.3f} ± {error:.3f} (ROC AUC, {len(outer)} fits)",
            flush=True,
        )


if __name__ == "__main__":
    main()
