"""People's own `nn.Module` as a scikit-learn estimator."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, nn
from torch.nn.parameter import is_lazy

from bakeoff.estimators.docstrings import inherit_docs
from bakeoff.estimators.layers.networks import SingleNetwork
from bakeoff.estimators.layers.random_numbers import global_torch_rng
from bakeoff.estimators.nets.net import Net
from bakeoff.estimators.nets.net_classifier import NetClassifier
from bakeoff.estimators.nets.net_regressor import NetRegressor
from bakeoff.estimators.parameters import Rule
from bakeoff.estimators.training.rows import Rows


def is_module(value: Any) -> bool:
    """Whether the value is a module or builds one."""
    return isinstance(value, nn.Module) or callable(value)


def is_keywords(value: Any) -> bool:
    """Whether the value is None or a mapping from names."""
    return value is None or (isinstance(value, Mapping) and all(isinstance(name, str) for name in value))


@dataclass(kw_only=True, eq=False, repr=False)
class CustomArchitecture(Net):
    """A network that the user brings.

    Parameters
    ----------
    module : callable or torch.nn.Module
        A class or function, called as ``module(n_features, n_outputs, **module_params)``, that returns a module from
        rows (n, n_features) to logits (n, n_outputs): one per class (also for two) or label. Its weights come from
        `random_state`. Or a ready module, of which every `fit` trains a copy from the weights it has.
    module_params : dict, default=None
        Further keyword arguments.
    """

    module: Callable[..., nn.Module] | nn.Module
    module_params: Mapping[str, Any] | None = None

    def _rules(self) -> dict[str, Rule]:
        return super()._rules() | {
            "module": (is_module, "a class or function that builds an nn.Module, or an nn.Module"),
            "module_params": (is_keywords, "None or a dict of keyword arguments"),
        }

    def _conflicts(self) -> list[str]:
        if isinstance(self.module, nn.Module) and self.module_params:
            return [
                *super()._conflicts(),
                "The 'module_params' parameter needs a 'module' that is built, not a ready one.",
            ]
        return super()._conflicts()

    def _build_network(self, rows: Rows, n_outputs: int, generator: Generator) -> SingleNetwork:
        with global_torch_rng(generator, torch.device("cpu")):
            module = self.module
            if not isinstance(module, nn.Module):
                module = module(rows.inputs.shape[1], n_outputs, **(self.module_params or {}))
            module = copy.deepcopy(module)  # a function may give the same one again and again
            fill_lazy_layers(module, rows)
        check_module(module, rows, n_outputs)
        return SingleNetwork(module)


@torch.no_grad()
def fill_lazy_layers(module: Any, rows: Rows) -> None:
    """Give the layers that wait for their first input, such as `nn.LazyLinear`, their weights."""
    if isinstance(module, nn.Module) and any(map(is_lazy, module.parameters())):
        module.eval()(rows.inputs[:2].to("cpu", torch.get_default_dtype()))
        module.train()


@torch.no_grad()
def check_module(module: Any, rows: Rows, n_outputs: int) -> None:
    """Raise a ValueError unless the module has weights and maps rows (n, n_features) to (n, n_outputs)."""
    if not isinstance(module, nn.Module):
        raise ValueError(f"The 'module' parameter must build an nn.Module. It built {module!r} instead.")
    if not any(weight.requires_grad for weight in module.parameters()):
        raise ValueError("The 'module' parameter must be a network with parameters to train. It has none.")
    sample = rows.inputs[:2].cpu()
    outputs = copy.deepcopy(module).to(sample.dtype).eval()(sample)
    shape = tuple(getattr(outputs, "shape", ()))
    if shape != (len(sample), n_outputs):
        raise ValueError(
            f"The 'module' parameter must map rows of shape (n, {sample.shape[1]}) to outputs of shape "
            f"(n, {n_outputs}): one per class, label or target. Of {len(sample)} rows it made "
            f"{shape or type(outputs).__name__}."
        )


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class TorchClassifier(CustomArchitecture, NetClassifier):
    """Classify with a PyTorch module of one's own.

    Notes
    -----
    To be pickled, the class has to stand at the top level of a module that can be imported.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from torch import nn
    >>> from bakeoff.estimators import TorchClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TorchClassifier(module=nn.Linear, batch_size=16, learning_rate=0.05, random_state=0)
    >>> net.fit(X, y).score(X, y) > 0.9
    True
    """


@inherit_docs
@dataclass(kw_only=True, eq=False, repr=False)
class TorchRegressor(CustomArchitecture, NetRegressor):
    """Predict numbers with a PyTorch module of one's own.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from torch import nn
    >>> from bakeoff.estimators import TorchRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> TorchRegressor(module=nn.Linear, random_state=0).fit(X, y).predict(X).shape
    (442,)
    """
