"""Compare an estimator of one's own with registered models, on data in memory."""

from sklearn.datasets import load_wine
from sklearn.ensemble import ExtraTreesClassifier

from bakeoff import compare

X, y = load_wine(return_X_y=True, as_frame=True)
result = compare(X, y, name="wine", models=["dummy", "logistic", "mlp", ("extra_trees", ExtraTreesClassifier(50))])

print(result)
print(result.leaderboard[["model", "mean", "fit_s"]].to_string(index=False))
