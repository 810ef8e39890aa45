"""The estimators are plain scikit-learn: cross-validation, grid search and pipelines take them as their own."""

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bakeoff.estimators import MLPClassifier, make

X, y = load_breast_cancer(return_X_y=True, as_frame=True)

scores = cross_validate(make("xgboost", task="binary"), X, y, scoring="roc_auc", cv=3)
print("xgboost", scores["test_score"].round(4))

net = make_pipeline(StandardScaler(), MLPClassifier(hidden_layer_sizes=(32,), max_epochs=30, random_state=0))
search = GridSearchCV(net, {"mlpclassifier__learning_rate": [1e-3, 1e-2]}, scoring="roc_auc", cv=3).fit(X, y)
print("mlp", search.best_params_, round(search.best_score_, 4))
