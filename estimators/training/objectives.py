"""What a training minimises and how its validation rows are scored, row by row of (E, n, outputs)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


class Objective(ABC):
    """A loss with the score that people read: both are means over rows."""

    @abstractmethod
    def losses(self, outputs: Tensor, targets: Tensor, *, training: bool) -> Tensor:
        """Loss of each row, (E, n), of outputs (E, n, outputs)."""

    @abstractmethod
    def scores(self, outputs: Tensor, targets: Tensor, variances: Tensor | None) -> Tensor:
        """Contribution of each row to the score, (E, n); `variances` of numeric targets are (E, outputs)."""


@dataclass(frozen=True)
class CrossEntropy(Objective):
    """Cross-entropy of logits against class codes (E, n), scored by accuracy.

    Parameters
    ----------
    label_smoothing : float
        Share of probability spread over all classes while training (Szegedy et al. 2016).
    """

    label_smoothing: float = 0.0

    def losses(self, outputs: Tensor, targets: Tensor, *, training: bool) -> Tensor:
        """Cross-entropy of each row."""
        smoothing = self.label_smoothing if training else 0.0
        losses = functional.cross_entropy(
            outputs.flatten(0, 1), targets.flatten(), reduction="none", label_smoothing=smoothing
        )
        return losses.view(targets.shape)

    def scores(self, outputs: Tensor, targets: Tensor, variances: Tensor | None) -> Tensor:
        """Whether the most probable class is the true one."""
        del variances
        return (outputs.argmax(2) == targets).to(outputs.dtype)


@dataclass(frozen=True)
class BinaryCrossEntropy(Objective):
    """Binary cross-entropy of one logit per label against indicators (E, n, labels), scored by subset accuracy."""

    label_smoothing: float = 0.0

    def losses(self, outputs: Tensor, targets: Tensor, *, training: bool) -> Tensor:
        """Mean over the labels of each row."""
        if training and self.label_smoothing:
            targets = targets.lerp(torch.full_like(targets, 0.5), self.label_smoothing)
        return functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none").mean(2)

    def scores(self, outputs: Tensor, targets: Tensor, variances: Tensor | None) -> Tensor:
        """Whether all labels of a row are right."""
        del variances
        return ((outputs > 0) == (targets > 0.5)).all(2).to(outputs.dtype)


@dataclass(frozen=True)
class MeanOverMembers(Objective):
    """The loss of a net whose members answer for themselves while it trains, (E, members, n, outputs), else as one.

    Parameters
    ----------
    objective : Objective
        Of each member, and of what all answer together.
    """

    objective: Objective

    def losses(self, outputs: Tensor, targets: Tensor, *, training: bool) -> Tensor:
        """Mean over the members of the loss of each row."""
        if outputs.ndim == 3:
            return self.objective.losses(outputs, targets, training=training)
        replicas, members, n_rows, _ = outputs.shape
        repeated = targets[:, None].expand(-1, members, *targets.shape[1:]).flatten(1, 2)
        losses = self.objective.losses(outputs.flatten(1, 2), repeated, training=training)
        return losses.view(replicas, members, n_rows).mean(1)

    def scores(self, outputs: Tensor, targets: Tensor, variances: Tensor | None) -> Tensor:
        """Return the score of what all answer together."""
        return self.objective.scores(outputs, targets, variances)


class SquaredError(Objective):
    """Half the squared error, averaged over the outputs, scored by R²."""

    def losses(self, outputs: Tensor, targets: Tensor, *, training: bool) -> Tensor:
        """Half the mean squared error of each row."""
        del training
        return 0.5 * (outputs - targets).square().mean(2)

    def scores(self, outputs: Tensor, targets: Tensor, variances: Tensor | None) -> Tensor:
        """One less the squared error in units of the variance: its mean over the rows is R²."""
        assert variances is not None
        return 1 - ((outputs - targets).square() / variances[:, None]).mean(2)
