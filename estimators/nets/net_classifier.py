"""What all classifiers among the nets share: labels, class weights, cross-entropy, probabilities."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import _check_partial_fit_first_call, check_classification_targets, type_of_target

from bakeoff.estimators.layers.averaging import Link
from bakeoff.estimators.nets.net import Net
from bakeoff.estimators.parameters import Rule, is_class_weight, real
from bakeoff.estimators.training.objectives import BinaryCrossEntropy, CrossEntropy, Objective

Array = NDArray[Any]


@dataclass(kw_only=True, eq=False, repr=False)
class NetClassifier(ClassifierMixin, Net):  # type: ignore[misc]  # scikit-learn is untyped
    """Base of the classifiers: cross-entropy over one logit per class, or over one logit per label (multilabel).

    Parameters
    ----------
    class_weight : dict, "balanced" or None, default=None
        Weights of classes, multiplied with `sample_weight` in training and validation loss. A class that
        the dict leaves out weighs one; "balanced" gives every class of the training rows the same total. Not for
        multilabel.
    label_smoothing : float in [0, 1), default=0.0
        Share of each row's probability that training spreads over all classes (Szegedy et al. 2016).

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; the numbers of the columns for multilabel.
    """

    class_weight: Mapping[Any, float] | str | None = None
    label_smoothing: float = 0.0

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on some rows, going on from what was learned before.

        A learning-rate schedule runs over `max_epochs` calls.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
        classes : array-like of shape (n_classes,), optional
            All labels that may ever come; needed in the first call, unless `fit` was called before.
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `fit`, and for labels that `classes` does not name, `early_stopping`, or "balanced" weights.
        """
        if self.class_weight == "balanced":
            raise ValueError("class_weight='balanced' is not supported by partial_fit: give a dict of weights.")
        if not hasattr(self, "module_"):
            self.__dict__.pop("classes_", None)  # of a first call that failed
            self._multilabel: bool = False
        _check_partial_fit_first_call(self, classes)
        return self._continue(X, y, sample_weight, reset_targets=False)

    def predict(self, X: ArrayLike) -> Array:
        """Return the most probable label of each row (n,), or the indicators of its labels (n, n_labels)."""
        outputs = self._outputs(X)
        if self._multilabel:
            return (outputs > 0).astype(np.int64)
        labels: Array = self.classes_[outputs.argmax(axis=1)]
        return labels

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probabilities of the classes, shape (n, n_classes), in the order of `classes_`.

        For multilabel, the probability of each label by itself.
        """
        return self._to_predictions(self._outputs(X))

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Return the logarithms of `predict_proba`."""
        outputs = torch.from_numpy(self._outputs(X))
        logs = torch.nn.functional.logsigmoid(outputs) if self._multilabel else outputs.log_softmax(dim=1)
        array: Array = logs.numpy()
        return array

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _to_predictions(self, outputs: Array) -> Array:
        logits = torch.from_numpy(outputs)
        probabilities: Array = (logits.sigmoid() if self._multilabel else logits.softmax(dim=-1)).numpy()
        return probabilities

    def _link(self) -> Link:
        return "sigmoid" if self._multilabel else "softmax"

    def _objective(self) -> Objective:
        kind = BinaryCrossEntropy if self._multilabel else CrossEntropy
        return kind(float(self.label_smoothing))

    def _rules(self) -> dict[str, Rule]:
        words = "None, 'balanced' or a dict of weights that are not negative"
        return super()._rules() | {"class_weight": (is_class_weight, words), "label_smoothing": real("[0, 1)")}

    def _read_targets(self, y: ArrayLike, *, reset: bool) -> Array:
        shape = y.shape if hasattr(y, "shape") else np.asarray(y).shape
        several = len(shape) == 2 and shape[1] > 1 and (reset or self._multilabel)
        y = self._check_targets(y, several=several)
        check_classification_targets(y)
        targets = read_indicators(y) if several else np.asarray(y)
        if reset:
            self._keep_classes(np.arange(targets.shape[1]) if several else np.unique(targets), several)
        if self._multilabel and targets.shape[1:] != self.classes_.shape:
            raise ValueError(f"y must have {len(self.classes_)} columns, as before. Got shape {targets.shape} instead.")
        return targets if several else self._to_codes(targets)

    def _keep_classes(self, classes: Array, multilabel: bool) -> None:
        """Remember the classes; a warm start may not change them."""
        goes_on = self.warm_start and hasattr(self, "module_")
        if goes_on and multilabel != self._multilabel:
            before, now = (
                "indicators of several labels" if several else "classes" for several in (not multilabel, multilabel)
            )
            raise ValueError(f"y must hold {before}, as before, with warm_start=True. Got {now} instead.")
        if goes_on and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"warm_start can only be used where `self.classes_` is the same as in the last call to fit. "
                f"Previously got {self.classes_}. `y` has {classes}."
            )
        self._multilabel = multilabel
        self.classes_: Array = classes

    def _to_codes(self, labels: Array) -> Array:
        """Return the position of each label in `classes_`."""
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {unknown}."
            )
        return np.searchsorted(self.classes_, labels)

    def _prepare(self, y: Array, weights: Array, train_rows: Array, *, reset: bool) -> tuple[Array, Array, int]:
        del reset
        if self._multilabel:
            if self.class_weight is not None:
                raise ValueError("class_weight is not supported for multilabel targets: give sample_weight instead.")
            return y.astype(np.float64), weights, y.shape[1]
        totals = np.bincount(y[train_rows], weights[train_rows], minlength=len(self.classes_))
        return y, weights * self._class_weights(totals)[y], len(self.classes_)

    def _class_weights(self, totals: Array) -> Array:
        """Weight of each class, given the total sample weight of each among the training rows."""
        if self.class_weight is None:
            return np.ones(len(totals))
        if isinstance(self.class_weight, str):
            weights = np.zeros(len(totals))  # of a class that only held-out rows have
            np.divide(totals.sum(), len(totals) * totals, out=weights, where=totals > 0)
            return weights
        labels = self.classes_.tolist()
        if unknown := [label for label in self.class_weight if label not in labels]:
            raise ValueError(f"The 'class_weight' parameter names {unknown}, but the classes are {labels}.")
        return np.array([self.class_weight.get(label, 1.0) for label in labels], dtype=np.float64)


def read_indicators(y: Any) -> Array:
    """Check the indicators of several labels; return them as an array (n, n_labels) of zeros and ones."""
    if type_of_target(y) != "multilabel-indicator":
        raise ValueError(
            f"y with several columns must be indicators of several labels, all 0 or 1. Got {type_of_target(y)} instead."
        )
    return np.asarray(y.toarray() if issparse(y) else y).astype(np.int64)
