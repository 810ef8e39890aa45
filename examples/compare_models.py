"""Compare an estimator of one's own with registered models, on data in memory."""

from sklearn.datasets import load_wine
from sklearn.ensemble import ExtraTreesClassifier

from bakeoff import compare

X, y = load_wine(return_X_y=True, as_frame=True)
models = ["dummy", "logistic", ("extra_trees", ExtraTreesClassifier(50))]
result = compare(X, y, name="wine", models=models, folds=3)

print(result)
print(result.leaderboard[["model", "mean", "fit_s"]].to_string(index=False))
