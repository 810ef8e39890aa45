"""The abstract PyTorch estimator: what every network, classifier and regressor here shares.

A public estimator joins one architecture (`_build_network`) and one task (classifier or regressor), in this order: the
classes are dataclasses, so that `__init__` only assigns and its parameters compose over the bases, and a default that
an architecture changes has to come before the shared one.
"""

import copy
import os
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from bakeoff.estimators.nets.persistence import load_net, save_net
from bakeoff.estimators.nets.trainable import Trainable
from bakeoff.estimators.training.automatic import CONVOLUTIONAL_BATCH
from bakeoff.estimators.training.inference import infer, sample_outputs

Array = NDArray[Any]


class Net(Trainable):
    """Base of all PyTorch estimators: trained as `Trainable` says, it predicts, and is kept in files.

    Attributes
    ----------
    module_ : torch.nn.Module
        The fitted network in evaluation mode: takes (n, inputs) and gives (n, outputs).
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has string names.
    n_iter_ : int
        Epochs run, those of `partial_fit` and of a warm start together.
    history_ : DataFrame
        One row per epoch: epoch, training_loss, learning_rate and, where rows were held out, validation_loss and
        validation_score.
    loss_curve_, validation_loss_curve_, validation_scores_ : list of float
        Columns of `history_`, those of the held-out rows empty where there were none. The loss is the mean over an
        epoch's batches, without penalties; the score is accuracy (of all labels at once for multilabel) or R².
    best_loss_ : float
        Lowest validation loss, or training loss where no rows were held out.
    stopped_while_improving_ : bool
        Whether the training still made progress when its epochs were used up: its score is a lower bound then.
    n_parameters_ : int
        Trainable parameters of the network.
    """

    @abstractmethod
    def _to_predictions(self, outputs: Array) -> Array:
        """Turn outputs (..., outputs) into probabilities, or into numbers in the units of y."""

    def predict_samples(
        self, X: ArrayLike, n_samples: int = 100, *, random_state: int | np.random.RandomState | None = None
    ) -> Array:
        """Predict again and again with dropout left on: how far the samples lie apart tells how sure the net is.

        Monte-Carlo dropout (Gal and Ghahramani 2016). Batch normalisation and all else are as in `predict`.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        n_samples : int, default=100
            Predictions of each row.
        random_state : int, RandomState instance or None, default=None
            Seeds the dropout; None draws anew in each call. The global generators are left untouched.

        Returns
        -------
        ndarray
            Of a classifier probabilities (n_samples, n, n_classes), in the order of `classes_`; of a regressor numbers
            (n_samples, n), or (n_samples, n, n_outputs) where there are several targets.

        Raises
        ------
        ValueError
            When the network has no dropout.
        """
        check_is_fitted(self, "module_")
        return self._to_predictions(
            sample_outputs(self.module_, self._read_rows(X, reset=False), n_samples, random_state)
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted net to a safetensors file, for `load`; what was there before is replaced at once.

        Unlike a pickle the file is data alone. It holds the weights, the parameters and what `fit` has learned; not
        the state of the optimizer, the `module` of one's own, `callbacks`, or a `random_state` that is a RandomState.

        Parameters
        ----------
        path : str or path
            By convention it ends in ".safetensors".

        Raises
        ------
        NotFittedError
        ValueError
            When labels, categories or parameters are of a type that the file cannot hold, or parameters changed after
            `fit` describe another network.

        Warns
        -----
        UserWarning
            When `callbacks` or `random_state` are left out.
        """
        save_net(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], **params: Any) -> Self:
        """Read a net of this class from a file of `save`. Nothing in the file is executed.

        It predicts with the same bits as the saved one on the same device, and `partial_fit` and warm starts go on
        from its weights, with a new optimizer.

        Parameters
        ----------
        path : str or path
        **params
            Parameters in place of the stored ones, such as ``device="cpu"``; for `TorchClassifier` and
            `TorchRegressor` the `module`, which is code and not stored.

        Returns
        -------
        Net
            The fitted net, on the device of its `device` parameter.

        Raises
        ------
        ValueError
            When the file is damaged, of another class or of a newer format, or its weights do not fit the parameters.
        FileNotFoundError
        """
        return load_net(cls, path, params)

    def _outputs(self, X: ArrayLike) -> Array:
        """Return the outputs of the network, (n, outputs), in float64."""
        check_is_fitted(self, "module_")
        return infer(self.module_, self._read_rows(X, reset=False))

    def __getstate__(self) -> dict[str, Any]:
        """Return the state with the network on the CPU, so that it loads on a machine without a GPU."""
        state = dict(super().__getstate__())
        if "module_" in state and next(self.module_.parameters()).is_cuda:
            state["module_"] = copy.deepcopy(self.module_).cpu()
        return state


@dataclass(kw_only=True, eq=False, repr=False)
class ScheduledNet(Net):
    """A convolutional net that follows a rate to its end, on all rows unless `early_stopping` asks for some.

    Parameters
    ----------
    learning_rate : float, default=2e-3
        Highest step size of the schedule.
    schedule : str, default="one-cycle"
        As for all nets. With a rate that ends at zero, a tenth of the epochs of the published recipes is enough, and
        the last weights are as good as any: no rows are held out unless `early_stopping` asks for it.
    optimizer : str, default="adamw"
        Rule of the steps.
    weight_decay : float, default=1e-2
        Decoupled from the gradient.
    batch_size, max_epochs : int or "auto", default="auto"
        By the number of training rows: see `TrainingParameters`.
    """

    _most_rows_of_auto_batch: ClassVar[float] = CONVOLUTIONAL_BATCH

    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    schedule: str = "one-cycle"
    weight_decay: float = 1e-2
    batch_size: int | str = "auto"
    max_epochs: int | str = "auto"
    n_iter_no_change: int = 1000

    def _normalises_batches(self) -> bool:
        return True
