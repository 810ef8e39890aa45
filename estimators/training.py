"""The one training loop: rows on the device, minibatches as index gathers, one stopping rule.

Loss, optimizer, stopping rule and loop are separate, and none of them knows scikit-learn's estimators.
A loss returns the weighted *sum* over the rows of a batch; row weights have mean one over the training rows.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor, nn
from torch.nn import functional

from bakeoff.estimators.rows import Rows

# Bounds the activations of one inference batch to tens of MiB.
INFERENCE_VALUES = 2**18
INFERENCE_ROWS = 4096

Array = NDArray[Any]
Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]


@dataclass(frozen=True)
class Settings:
    """What the loop needs to know: optimizer, batches and when to stop."""

    optimizer: str
    learning_rate: float
    weight_decay: float
    batch_size: int
    max_epochs: int
    n_iter_no_change: int
    tol: float


@dataclass
class Curves:
    """Mean loss per epoch on the training rows and, if there are any, on the validation rows."""

    training: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best: float = math.inf  # of the monitored curve: validation where there is one

    def append(self, losses: Sequence[float]) -> None:
        """Add the losses of one epoch: training, then validation if there is one."""
        self.training.append(losses[0])
        self.validation.extend(losses[1:])


OnEpoch = Callable[[Curves], None]


def cross_entropy(outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
    """Weighted sum of the cross-entropy of logits (n, classes) against class codes (n,)."""
    if weights is None:
        return functional.cross_entropy(outputs, targets, reduction="sum")
    return functional.cross_entropy(outputs, targets, reduction="none") @ weights


def squared_error(outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
    """Weighted sum of half the squared error, averaged over the outputs, of (n, outputs) tensors."""
    errors = 0.5 * (outputs - targets).square().mean(dim=1)
    return errors.sum() if weights is None else errors @ weights


# The variant of each with the least overhead per step; torch has no fused RMSprop.
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": partial(torch.optim.SGD, momentum=0.9, nesterov=True, fused=True),
    "rmsprop": partial(torch.optim.RMSprop, foreach=True),
    "adam": partial(torch.optim.Adam, fused=True),
    "adamw": partial(torch.optim.AdamW, fused=True),
}


def build_optimizer(settings: Settings, parameters: Iterator[nn.Parameter]) -> torch.optim.Optimizer:
    """Build the optimizer that the settings name."""
    build = OPTIMIZERS[settings.optimizer]
    return build(parameters, lr=float(settings.learning_rate), weight_decay=float(settings.weight_decay))


class Plateau:
    """scikit-learn's rule: stop after more than `patience` epochs in a row that gained less than `tol`."""

    def __init__(self, patience: int, tol: float) -> None:
        self.patience = patience
        self.tol = tol
        self.best = math.inf
        self.stale = 0

    def update(self, loss: float) -> bool:
        """Take in one epoch's loss; tell whether it is the lowest so far."""
        self.stale = self.stale + 1 if loss > self.best - self.tol else 0
        improved = loss < self.best
        self.best = min(self.best, loss)
        return improved

    @property
    def exhausted(self) -> bool:
        """Whether the patience is used up."""
        return self.stale > self.patience


class Snapshot:
    """A copy of a module's weights and buffers, to go back to."""

    def __init__(self, module: nn.Module) -> None:
        self.live = list(module.state_dict().values())
        self.kept: list[Tensor] = []

    def take(self) -> None:
        """Copy the current weights."""
        self.kept = [tensor.clone() for tensor in self.live]

    def restore(self) -> None:
        """Put the copy back into the module."""
        with torch.no_grad():
            for tensor, kept in zip(self.live, self.kept, strict=True):
                tensor.copy_(kept)


@contextmanager
def seeded_torch(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's generators of the CPU and of `device` inside the block; leave them untouched outside."""
    on_cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_cuda else []):
        # torch.manual_seed would also reseed devices that this fit does not use.
        torch.default_generator.manual_seed(seed)
        if on_cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def batch_sizes(n_rows: int, batch_size: int) -> list[int]:
    """Sizes of an epoch's batches; a last batch of one row joins its neighbour, for batch norm's sake."""
    sizes = [batch_size] * (n_rows // batch_size)
    rest = n_rows % batch_size
    if rest == 1 and sizes:
        sizes[-1] += 1
    elif rest:
        sizes.append(rest)
    return sizes


def shuffled_batches(sizes: list[int], generator: torch.Generator, device: torch.device) -> Sequence[Tensor | slice]:
    """Row indices of an epoch's batches; a single batch is all rows in order, which needs no gather."""
    if len(sizes) == 1:
        return [slice(None)]
    order = torch.randperm(sum(sizes), generator=generator)
    return torch.split(order.to(device), sizes)


def train_epoch(
    module: nn.Module,
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    rows: Rows,
    batches: Sequence[Tensor | slice],
) -> Tensor:
    """Step once per batch; return the mean loss of the epoch, still on the device."""
    module.train()
    total = rows.inputs.new_zeros(())
    for batch in batches:
        inputs, targets, weights = rows.take(batch)
        optimizer.zero_grad()
        batch_loss = loss(module(inputs), targets, weights)
        torch.autograd.backward(batch_loss / len(inputs))
        optimizer.step()
        total += batch_loss.detach()
    return total / len(rows)


def batch_slices(n_rows: int, n_features: int) -> Iterator[slice]:
    """Cut the rows into inference batches whose memory stays bounded for wide rows."""
    step = min(max(INFERENCE_VALUES // n_features, 1), INFERENCE_ROWS)
    return (slice(start, start + step) for start in range(0, n_rows, step))


@torch.inference_mode()
def mean_loss(module: nn.Module, loss: Loss, rows: Rows) -> Tensor:
    """Mean loss over all rows with the module in evaluation mode, still on the device."""
    module.eval()
    total = rows.inputs.new_zeros(())
    for batch in batch_slices(*rows.inputs.shape):
        inputs, targets, weights = rows.take(batch)
        total += loss(module(inputs), targets, weights)
    return total / len(rows)


@torch.inference_mode()
def infer(module: nn.Module, X: Array) -> Array:
    """Return outputs (n, outputs) of a module in evaluation mode for X (n, features), in float64."""
    device = next(module.parameters()).device
    outputs = [
        module(torch.tensor(np.ascontiguousarray(X[batch]), device=device)).cpu() for batch in batch_slices(*X.shape)
    ]
    return torch.cat(outputs).double().numpy()


class Monitor:
    """Watches the losses of one training: records them, keeps the best weights, says when to stop."""

    def __init__(self, module: nn.Module, settings: Settings) -> None:
        self.curves = Curves()
        self.best = Snapshot(module)
        self.plateau = Plateau(settings.n_iter_no_change, settings.tol)
        self.max_epochs = settings.max_epochs
        self.diverged = False

    @property
    def done(self) -> bool:
        """Whether the training has diverged, reached its plateau or used up its epochs."""
        return self.diverged or self.plateau.exhausted or len(self.curves.training) >= self.max_epochs

    def observe(self, losses: Sequence[float]) -> None:
        """Take in the losses of one epoch; the last of them is the monitored one."""
        self.curves.append(losses)
        self.diverged = not all(map(math.isfinite, losses))
        if not self.diverged and self.plateau.update(losses[-1]):
            self.curves.best = losses[-1]
            self.best.take()


def train(
    module: nn.Module,
    loss: Loss,
    rows: Rows,
    validation: Rows | None,
    settings: Settings,
    *,
    generator: torch.Generator,
    on_epoch: OnEpoch | None = None,
) -> Curves:
    """Train the module in place.

    With validation rows the weights of the lowest validation loss are restored; without, the last stay.

    Parameters
    ----------
    module : nn.Module
        Maps inputs (n, features) to outputs (n, outputs); changed in place, left in evaluation mode.
    loss : callable
        ``loss(outputs, targets, weights)``, the weighted sum over rows.
    rows, validation : Rows
        Rows to train on, and rows held out for early stopping; weights have mean one in each.
    settings : Settings
        Optimizer, batches and stopping rule.
    generator : torch.Generator
        A generator on the CPU that draws the shuffles.
    on_epoch : callable, optional
        Called with the curves after each epoch.

    Returns
    -------
    Curves
        The losses per epoch. A loss that is not finite is the last entry of its curve.

    Raises
    ------
    FloatingPointError
        When the loss stops being finite and no earlier weights give a finite one.
    """
    optimizer = build_optimizer(settings, module.parameters())
    monitor = Monitor(module, settings)
    sizes = batch_sizes(len(rows), settings.batch_size)
    while not monitor.done:
        batches = shuffled_batches(sizes, generator, rows.inputs.device)
        losses = [train_epoch(module, loss, optimizer, rows, batches)]
        if validation is not None:
            losses.append(mean_loss(module, loss, validation))
        monitor.observe(torch.stack(losses).tolist())  # the epoch's one wait for the device
        if on_epoch is not None:
            on_epoch(monitor.curves)
    optimizer.zero_grad()  # gradients would travel with copies of the module
    if monitor.diverged:
        recover(monitor, lambda: mean_loss(module, loss, rows), settings.learning_rate)
    elif validation is not None:
        monitor.best.restore()
    module.eval()
    return monitor.curves


def recover(monitor: Monitor, mean_loss_of: Callable[[], Tensor], learning_rate: float) -> None:
    """Go back to the best weights of a training that diverged; warn, or raise when none are usable."""
    epoch = len(monitor.curves.training)
    what = f"The loss stopped being finite in epoch {epoch} with learning_rate={learning_rate}"
    advice = "Lower learning_rate or scale the features."
    if monitor.best.kept:
        monitor.best.restore()
    if not monitor.best.kept or not math.isfinite(mean_loss_of().item()):
        raise FloatingPointError(f"{what}, and no earlier weights give a finite one. {advice}")
    warnings.warn(f"{what}; the best weights before it were kept. {advice}", ConvergenceWarning, stacklevel=4)
