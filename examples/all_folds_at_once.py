"""A net on all folds of a cross-validation as one program, a module of one's own, and a net saved without pickle."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from bakeoff.estimators import MLPClassifier, TorchClassifier, fit_folds

X, y = load_digits(return_X_y=True)
splits = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))

net = MLPClassifier(hidden_layer_sizes=(64, 64), early_stopping=True, max_epochs=60, dtype="float32", random_state=0)
folds = fit_folds(make_pipeline(StandardScaler(), net), X, y, splits)
scores = [fold.score(X[test], y[test]) for fold, (_, test) in zip(folds, splits, strict=True)]
print(f"MLP, five folds at once: {np.mean(scores):.3f} ± {np.std(scores):.3f}")


class Wide(nn.Sequential):
    """A module of one's own: rows (n, n_features) to one output per class."""

    def __init__(self, n_features: int, n_outputs: int, width: int) -> None:
        super().__init__(nn.Linear(n_features, width), nn.SiLU(), nn.Linear(width, n_outputs))


own = TorchClassifier(module=Wide, module_params={"width": 128}, max_epochs=20, random_state=0)
print(f"own module: {own.fit(X[:1200] / 16, y[:1200]).score(X[1200:] / 16, y[1200:]):.3f}")

own.save("own.safetensors")
again = TorchClassifier.load("own.safetensors", module=Wide)
assert (again.predict(X / 16) == own.predict(X / 16)).all()
print(f"saved without pickle: {Path('own.safetensors').stat().st_size // 1024} KiB")
