"""All folds of a cross-validation trained together: many fits for little more than the time of one."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils.validation import _num_samples

from bakeoff.estimators.nets.net import Net
from bakeoff.estimators.nets.trainable import begin_training, train_nets
from bakeoff.estimators.training.rows import row_numbers

OnEpoch = Callable[[int, list[Any]], None]


def fit_folds(
    estimator: Any,
    X: Any,
    y: Any,
    splits: Any,
    *,
    sample_weight: ArrayLike | None = None,
    validation: Sequence[ArrayLike | None] | None = None,
    on_epoch: OnEpoch | None = None,
) -> list[Any]:
    """Fit an estimator on the training part of every split, the nets of all splits together.

    What comes back is what fitting a clone on each part by itself gives, up to the order of floating-point sums: every
    fold has its own preprocessing, seed, initial weights, shuffles, early stopping and best weights. With an int as
    `random_state` all folds are seeded alike, as in scikit-learn's `cross_validate`.

    Parameters
    ----------
    estimator : Net or Pipeline
        A net of this package, or a pipeline that ends in one; its other steps are fitted on each part by themselves.
    X : array-like or frame of shape (n, n_features)
    y : array-like of shape (n,) or (n, n_outputs)
    splits : iterable of (train, test), int or splitter
        Row numbers, as the splitters of scikit-learn yield them, or masks; or what `cross_validate` takes as `cv`. The
        test parts are not looked at.
    sample_weight : array-like of shape (n,), optional
        Weights for the net.
    validation : sequence of array-like of int, optional
        For each split, those rows of its training part that are held out for early stopping; None leaves it to the net.
    on_epoch : callable, optional
        Called as ``on_epoch(epoch, estimators)`` after each epoch; the estimators predict with their present weights,
        or with their final ones where their training has ended. What it raises ends the training.

    Returns
    -------
    list
        The fitted estimators, in the order of the splits.

    Raises
    ------
    TypeError
        When the estimator is no net and no pipeline that ends in one.
    ValueError
        As `fit` of the estimator, and when the parts do not fit together.
    ConvergenceError
        As `fit`: one fold whose loss stops being finite before any usable weights ends all of them.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import StratifiedKFold
    >>> from bakeoff.estimators import MLPClassifier, fit_folds
    >>> X, y = load_iris(return_X_y=True)
    >>> splits = list(StratifiedKFold(5).split(X, y))
    >>> nets = fit_folds(MLPClassifier(batch_size=16, random_state=0), X, y, splits)
    >>> min(net.score(X[test], y[test]) for net, (_, test) in zip(nets, splits)) > 0.8
    True
    """
    final_net(estimator)
    if y is None:
        raise ValueError("fit_folds requires y to be passed, but the target y is None.")
    check_consistent_length(X, y, sample_weight)
    pairs = check_cv(splits, y, classifier=is_classifier(estimator)).split(X, y)
    parts = [
        row_numbers(train, _num_samples(X), f"The training part of split {number}")
        for number, (train, _) in enumerate(pairs)
    ]
    if not parts:
        raise ValueError("splits must hold at least one pair of training and test rows. Got none.")
    if validation is not None and len(validation) != len(parts):
        raise ValueError(f"validation must hold rows for each of the {len(parts)} splits. Got {len(validation)}.")
    estimators = [clone(estimator) for _ in parts]
    nets = [final_net(fold) for fold in estimators]
    weights = None if sample_weight is None else np.asarray(sample_weight)
    replicas = []
    for number, (fold, net, rows) in enumerate(zip(estimators, nets, parts, strict=True)):
        part_y = _safe_indexing(y, rows)
        part_X = fit_steps(fold, _safe_indexing(X, rows), part_y)
        watched = None if validation is None else validation[number]
        held_out = None if watched is None else positions(watched, rows, number)
        replicas += begin_training(net, part_X, part_y, None if weights is None else weights[rows], held_out)
    after_epoch = None if on_epoch is None else lambda epoch: on_epoch(epoch, estimators)
    train_nets(nets, replicas, after_epoch)
    return estimators


def final_net(estimator: Any) -> Net:
    """Return the net that an estimator is or ends in."""
    net = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(net, Net):
        raise TypeError(
            f"fit_folds needs a PyTorch estimator of bakeoff, or a scikit-learn Pipeline that ends in one. "
            f"Got {type(net).__name__} instead."
        )
    return net


def fit_steps(estimator: Any, X: Any, y: Any) -> Any:
    """Fit all steps of a pipeline but the last; return what they make of X."""
    if not isinstance(estimator, Pipeline) or len(estimator.steps) == 1:
        return X
    steps = estimator[:-1]
    transformed = steps.fit_transform(X, y)
    estimator.steps[:-1] = steps.steps  # with a memory these are fitted copies
    return transformed


def positions(held_out: ArrayLike, rows: NDArray[Any], number: int) -> NDArray[Any]:
    """Return where in the rows of a training part its held-out rows are."""
    wanted = np.asarray(held_out)
    found = np.isin(rows, wanted)
    if wanted.dtype.kind not in "iu" or not np.isin(wanted, rows).all():
        raise ValueError(f"validation[{number}] must be numbers of rows in the training part of split {number}.")
    return np.flatnonzero(found)
