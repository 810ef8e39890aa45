"""Optimizers and learning-rate schedules for replicas that take their steps together."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.estimators.layers.layers import Training

# The variant of each with the least overhead per step.
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": partial(torch.optim.SGD, fused=True),
    "rmsprop": partial(torch.optim.RMSprop, foreach=True),
    "adagrad": partial(torch.optim.Adagrad, foreach=True),
    "adadelta": partial(torch.optim.Adadelta, foreach=True),
    "adam": partial(torch.optim.Adam, fused=True),
    "adamw": partial(torch.optim.AdamW, fused=True),
}

ONE_CYCLE_RISE = 0.3  # share of the training in which the rate rises, as in torch's OneCycleLR
ONE_CYCLE_START = 1 / 25
ONE_CYCLE_END = ONE_CYCLE_START / 1e4


def build_optimizer(
    name: str,
    network: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float,
    momentum: float,
    nesterov: bool,
    betas: tuple[float, float],
) -> torch.optim.Optimizer:
    """Build an optimizer by name; momentum and Nesterov's rule are those of "sgd" alone, betas those of Adam."""
    options: dict[str, Any] = {"lr": float(learning_rate), "weight_decay": float(weight_decay)}
    if name == "sgd":
        options |= {"momentum": float(momentum), "nesterov": bool(nesterov and momentum > 0)}
    if name in ("adam", "adamw"):
        options |= {"betas": betas}
    return OPTIMIZERS[name](group_parameters(network), **options)


def group_parameters(network: nn.Module) -> list[dict[str, Any]]:
    """Group the parameters of a network by how their layers want them trained (`Training`)."""
    groups: dict[Training, list[nn.Parameter]] = {}
    known: set[int] = set()  # several modules may share a parameter
    for module in network.modules():
        wishes: dict[str, Training] = getattr(module, "training_of", {})
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) not in known:
                known.add(id(parameter))
                groups.setdefault(wishes.get(name, Training()), []).append(parameter)
    return [{"params": members, "training": training} for training, members in groups.items()]


def one_cycle(progress: float) -> float:
    """Rise to the full rate, then fall to almost nothing, both along a cosine (Smith and Topin 2018)."""
    if progress < ONE_CYCLE_RISE:
        return anneal(ONE_CYCLE_START, 1.0, progress / ONE_CYCLE_RISE)
    return anneal(1.0, ONE_CYCLE_END, (progress - ONE_CYCLE_RISE) / (1 - ONE_CYCLE_RISE))


def anneal(start: float, end: float, progress: float) -> float:
    """Go from start to end along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


def flat_cosine(progress: float) -> float:
    """Stay at one for the first half, then fall to zero along half a cosine (Holzmüller et al. 2024)."""
    return anneal(1.0, 0.0, max(2 * progress - 1, 0.0))


def log_cosine(progress: float) -> float:
    """Four waves from zero to one and back, each longer than the one before ("coslog4", Holzmüller et al. 2024)."""
    return (1 - math.cos(2 * math.pi * math.log2(1 + 15 * progress))) / 2


# Factor on the learning rate by the share of all steps that lie behind. "plateau" depends on the losses instead.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": lambda progress: anneal(1.0, 0.0, progress),  # Loshchilov and Hutter 2017, without restarts
    "log-cosine": log_cosine,
    "one-cycle": one_cycle,
    "plateau": lambda _: 1.0,
}
OPEN_ENDED = ("constant", "plateau")  # the others end where `max_epochs` does
# The same for dropout and weight decay.
REGULARISATION_SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "flat-cosine": flat_cosine,
}


def set_rate(optimizer: torch.optim.Optimizer, rate: float, weight_decay: float) -> None:
    """Set the learning rate and the weight decay of the next steps."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["training"].rate_factor
        group["weight_decay"] = weight_decay * group["training"].decay_factor


def by_replica(tensor: Tensor, replicas: int) -> Tensor:
    """View a tensor as (E, values); a plain module's weights belong to its one replica."""
    return tensor.reshape(replicas, -1)


@torch.no_grad()
def add_l1(parameters: Sequence[nn.Parameter], strength: float) -> None:
    """Add the gradient of `strength` times the sum of absolute weights."""
    for weight in parameters:
        if weight.grad is not None:
            weight.grad.add_(weight.sign(), alpha=strength)


@torch.no_grad()
def clip_gradients(parameters: Sequence[nn.Parameter], max_norm: float, replicas: int) -> None:
    """Scale the gradients of each replica down to a Euclidean norm of at most `max_norm`."""
    gradients = [by_replica(weight.grad, replicas) for weight in parameters if weight.grad is not None]
    norms = torch.stack([gradient.square().sum(1) for gradient in gradients]).sum(0).sqrt()
    factors = (max_norm / (norms + 1e-6)).clamp(max=1.0)[:, None]
    for gradient in gradients:
        gradient.mul_(factors)


@torch.no_grad()
def scaled_step(optimizer: torch.optim.Optimizer, parameters: Sequence[nn.Parameter], factors: Sequence[float]) -> None:
    """Step with a learning rate of its own for each replica: every optimizer's step is proportional to its rate."""
    if all(factor == 1 for factor in factors):
        optimizer.step()
        return
    before = [weight.detach().clone() for weight in parameters]
    optimizer.step()
    for weight, start in zip(parameters, before, strict=True):
        scale = torch.tensor(factors, dtype=weight.dtype, device=weight.device)[:, None]
        old, new = by_replica(start, len(factors)), by_replica(weight.detach(), len(factors))
        weight.copy_(torch.lerp(old, new, scale).view_as(weight))
