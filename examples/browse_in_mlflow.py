"""Track a run to MLflow with its models, ask MLflow for the best one, and use it. `bakeoff ui` shows all of it."""

import os

import mlflow
from sklearn.datasets import load_wine

from bakeoff import run_suite

suite = {
    "name": "wines",
    "datasets": ["wine"],
    "models": ["dummy", "logistic", "mlp"],
    "variants": ["default"],
    "outer_folds": 3,
    "caps": {"epochs": 10},
}
store = os.environ.setdefault("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")  # or the address of a server
run_suite(suite, out="runs/wines", log_models=True)  # each model is refitted on all rows and logged

best = mlflow.search_runs(
    experiment_names=["wines"],
    filter_string="tags.dataset = 'wine'",
    order_by=["metrics.score DESC"],  # bigger is better, whatever the metric
)
print(best[["tags.model", "tags.family", "tags.folds", "metrics.accuracy", "metrics.cpu_s"]].to_string(index=False))

model_id = best.loc[0, "tags.bakeoff.model"]
model = mlflow.pyfunc.load_model(f"models:/{model_id}")
X, y = load_wine(return_X_y=True, as_frame=True)
print(f"{best.loc[0, 'tags.model']} says {model.predict(X.head(3)).tolist()} of the first three wines")
print(f"serve it: mlflow models serve -m models:/{model_id} --env-manager local")
