"""Fitted nets as files: weights in safetensors, all else as one JSON document in its header. Loading runs no code.

The document holds the constructor's parameters and the attributes that `FITTED_ATTRIBUTES` names; the network is built
anew from them, and then takes the stored weights. A file is read back before it gets its name.
"""

import json
import os
import warnings
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from bakeoff.estimators.json_values import from_json, to_json
from bakeoff.estimators.nets.trainable import Trainable, build_module
from bakeoff.estimators.parameters import resolve_device
from bakeoff.estimators.preprocessing.categorical_columns import CategoricalColumns
from bakeoff.estimators.training.inference import infer, precision
from bakeoff.estimators.training.parameters import check_parameters
from bakeoff.estimators.training.rows import Rows

FORMAT = 1
HEADER_KEY = "bakeoff"  # of the document in the header
CODE_PARAMS = ("module",)  # parameters that are code: never stored, and given to `load` again
OPTIONAL_PARAMS = ("callbacks", "random_state")  # left out, with a warning, where JSON cannot hold them
# What `fit` leaves beside `module_`; a net has some of them. Not stored: `_resume`, the optimizer of `partial_fit`.
FITTED_ATTRIBUTES: dict[str, type] = {
    "n_features_in_": int,
    "feature_names_in_": np.ndarray,
    "n_tokens_": int,
    "classes_": np.ndarray,
    "_multilabel": bool,
    "target_mean_": np.ndarray,
    "target_scale_": np.ndarray,
    "_history": list,
    "_categories": CategoricalColumns,  # or None
}
ONE_PER_OUTPUT = ("classes_", "target_mean_", "target_scale_")

AnyNet = TypeVar("AnyNet", bound=Trainable)


def save_net(net: Trainable, path: str | os.PathLike[str]) -> None:
    """Write a fitted net to a file; see `Net.save`."""
    check_is_fitted(net, "module_")
    document, left_out = describe(net)
    whole = save(tensors_of(net.module_), {HEADER_KEY: json.dumps(document)})
    path = Path(path)
    part = path.with_name(f".{path.name}.{token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(whole)
            file.flush()
            os.fsync(file.fileno())
        check_file(net, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    if left_out:
        words = "`load` gives them their defaults unless told otherwise."
        warnings.warn(f"The file leaves out {' and '.join(left_out)}, which it cannot hold; {words}", stacklevel=3)


def describe(net: Trainable) -> tuple[dict[str, Any], list[str]]:
    """Return the JSON document of a fitted net, and the names of the parameters that it leaves out."""
    params, left_out = {}, []
    for name, value in net.get_params(deep=False).items():
        if name in CODE_PARAMS:
            continue
        try:
            params[name] = to_json(value)
        except TypeError as error:
            if name not in OPTIONAL_PARAMS:
                raise not_storable(net, f"the {name!r} parameter", error) from error
            left_out.append(name)
    document = {
        "format": FORMAT,
        "bakeoff": version("bakeoff"),
        "class": type(net).__name__,
        "params": params,
        "fitted": describe_fitted(net),
        "dtype": precision(net.module_),
        "n_outputs": probe(net).shape[1],
    }
    return document, left_out


def describe_fitted(net: Trainable) -> dict[str, Any]:
    """Return the fitted attributes as JSON."""
    fitted = {}
    for name in [name for name in FITTED_ATTRIBUTES if name in vars(net)]:
        value = vars(net)[name]
        try:
            fitted[name] = to_json((value.columns, value.known) if isinstance(value, CategoricalColumns) else value)
        except TypeError as error:
            raise not_storable(net, f"the {name!r} attribute", error) from error
    return fitted


def not_storable(net: Trainable, what: str, error: TypeError) -> ValueError:
    """Say which part of a net a file cannot hold."""
    return ValueError(
        f"{what.capitalize()} of this {type(net).__name__} must be made of None, bools, numbers and strings to be "
        f"saved. It holds a value of type {error}."
    )


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Return weights and buffers on the CPU, each with memory of its own, as safetensors wants them."""
    state = module.state_dict()
    if others := [name for name, value in state.items() if not isinstance(value, Tensor)]:
        raise ValueError(f"The network must keep nothing but tensors to be saved. {others} are others.")
    return {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()}


def probe(net: Trainable) -> NDArray[Any]:
    """Return the outputs (2, n_outputs) of a fitted net for two rows of zeros."""
    return infer(net.module_, np.zeros((2, net.n_features_in_), precision(net.module_)))


def check_file(net: Trainable, path: Path) -> None:
    """Raise unless a net's file gives back the network that was fitted."""
    code = {name: value for name, value in net.get_params(deep=False).items() if name in CODE_PARAMS}
    problem: ValueError | None = None
    try:
        twin = load_net(type(net), path, {"device": "cpu", **code})
    except ValueError as error:
        problem = error
    # People's own modules may be random even in evaluation mode. On a GPU the last digits differ from the CPU's.
    if problem or not (code or np.allclose(probe(twin), probe(net), rtol=1e-3, atol=1e-6, equal_nan=True)):
        raise ValueError(
            f"The parameters of this {type(net).__name__} must describe the network that was fitted. They give another "
            f"one: were they changed after `fit`? Fit again, or set them back."
        ) from problem


def load_net(cls: type[AnyNet], path: str | os.PathLike[str], params: dict[str, Any]) -> AnyNet:
    """Read a net from a file; see `Net.load`."""
    document, tensors = read_file(path)
    try:
        check_document(cls, document)
        return restore(cls, document, tensors, params)
    except ValueError as error:
        raise ValueError(f"{str(path)!r} cannot be loaded: {error}") from error
    except (KeyError, TypeError, AttributeError, ArithmeticError, RuntimeError, MemoryError) as error:
        raise ValueError(f"{str(path)!r} cannot be loaded, it may be damaged: {error!r}") from error


def read_file(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the document and the tensors of a file."""
    try:
        with safe_open(os.fspath(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no dict
    except SafetensorError as error:
        raise ValueError(f"{str(path)!r} must be a whole safetensors file: {error}.") from error
    try:
        document = json.loads(metadata[HEADER_KEY])
    except (KeyError, ValueError, RecursionError) as error:
        words = f"under {HEADER_KEY!r} in its header, as the `save` method of nets writes it"
        raise ValueError(f"{str(path)!r} must have a JSON document {words}.") from error
    return document, tensors


def check_document(cls: type[Trainable], document: dict[str, Any]) -> None:
    """Raise unless a document is of a format that is known here, and of that class."""
    if not isinstance(document["format"], int) or document["format"] > FORMAT:
        raise ValueError(
            f"it has format {document['format']!r}, of bakeoff {document['bakeoff']}; bakeoff {version('bakeoff')} "
            f"knows formats up to {FORMAT}. Update bakeoff."
        )
    if document["class"] != cls.__name__:
        raise ValueError(f"it holds a {document['class']}, not a {cls.__name__}. Use `load` of the class it holds.")


def restore(cls: type[AnyNet], document: dict[str, Any], tensors: dict[str, Tensor], params: dict[str, Any]) -> AnyNet:
    """Build the estimator and its network from a document, then give it the weights."""
    net = build_estimator(cls, {name: from_json(value) for name, value in document["params"].items()} | params)
    for name, value in document["fitted"].items():
        setattr(net, name, restore_attribute(name, value))
    n_outputs, dtype = document["n_outputs"], {"float32": torch.float32, "float64": torch.float64}[document["dtype"]]
    if {len(vars(net)[name]) for name in ONE_PER_OUTPUT if name in vars(net)} != {n_outputs}:
        raise ValueError(f"it must name a class or target for each of {n_outputs} outputs.")
    inputs = torch.zeros(2, net.n_features_in_, dtype=dtype, device=resolve_device(net.device))
    net.module_ = build_module(net, Rows(inputs, inputs), n_outputs, seed=0).eval()
    load_tensors(net.module_, tensors)
    return net


def build_estimator(cls: type[AnyNet], params: dict[str, Any]) -> AnyNet:
    """Return the unfitted estimator, its parameters checked."""
    known = cls._get_param_names()
    if unknown := sorted(set(params) - set(known)):
        raise ValueError(f"{cls.__name__} has no parameter {', '.join(unknown)}. It has {', '.join(known)}.")
    if absent := [name for name in CODE_PARAMS if name in known and name not in params]:
        words = "a file holds weights, never code. Give what the net was made with"
        raise ValueError(f"{cls.__name__}.load needs {absent[0]}=...: {words}.")
    net = cls(**params)
    check_parameters(net)
    return net


def restore_attribute(name: str, value: Any) -> Any:
    """Return a fitted attribute, of the type that `FITTED_ATTRIBUTES` declares."""
    if name not in FITTED_ATTRIBUTES:
        raise ValueError(f"it has an attribute {name!r} that this version of bakeoff does not know.")
    attribute = from_json(value)
    if name == "_categories":
        return None if attribute is None else CategoricalColumns.restore(*attribute)
    if not isinstance(attribute, FITTED_ATTRIBUTES[name]):
        raise ValueError(
            f"its {name!r} must be of type {FITTED_ATTRIBUTES[name].__name__}. Got {attribute!r:.80} instead."
        )
    return attribute


def load_tensors(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Copy tensors into a network; raise unless their names, shapes and dtypes are those of the network."""
    own = module.state_dict()
    problems = [f"{name!r} is missing" for name in own if name not in tensors]
    problems += [f"{name!r} is not in the network" for name in tensors if name not in own]
    for name in [name for name in own if name in tensors]:
        wanted, got = ((tuple(part.shape), part.dtype) for part in (own[name], tensors[name]))
        if wanted != got:
            problems.append(f"{name!r} must be {wanted[1]} of shape {wanted[0]}, but is {got[1]} of shape {got[0]}")
    if problems:
        more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        words = f"{'; '.join(problems[:5])}{more}"
        raise ValueError(f"its weights do not fit the network that its parameters describe: {words}.")
    module.load_state_dict(tensors)
