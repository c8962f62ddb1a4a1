"""NetworkSpec -> network whose weights are about to be loaded: built without drawing any random number.

Drawing a large 3D network's starting weights takes seconds, and every one of them is overwritten by a strict load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from medres.errors import ModelError
from medres.models.registry import build_network
from medres.models.spec import NetworkSpec

DRAWING = (torch.Tensor.normal_, torch.Tensor.uniform_)


class _WithoutDrawing(TorchFunctionMode):
    """Make the functions of `torch.nn.init` give their tensor back as it is, and draws give zeros.

    Zeros, not what lay in the memory: `trunc_normal_` draws again until every number is within its bounds.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in DRAWING:
            return args[0].zero_()
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


def build_loaded_network(spec: NetworkSpec, state_dict: Mapping[str, Tensor]) -> nn.Module:
    """Build a network with exactly these weights, in eval mode, gradients off.

    Args:
        spec: what to build.
        state_dict: the weights by name; every name and shape must agree.

    Returns:
        The network.

    Raises:
        ModelError: E_MODEL_SHAPE, naming the first weight that does not agree.
    """
    with _WithoutDrawing():
        network = build_network(spec)
    _compare(spec, network.state_dict(), state_dict)
    network.load_state_dict(dict(state_dict), strict=True)
    return network.eval().requires_grad_(False)


def check_weights(spec: NetworkSpec, state_dict: Mapping[str, Tensor]) -> None:
    """Compare weights with the network that a spec names.

    Args:
        spec: what would be built.
        state_dict: the weights by name.

    Raises:
        ModelError: E_MODEL_SHAPE, naming the first weight that does not agree.
    """
    with _WithoutDrawing():
        _compare(spec, build_network(spec).state_dict(), state_dict)


def _compare(spec: NetworkSpec, wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Compare names, then shapes."""
    missing, unexpected = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    if missing or unexpected:
        first = (missing + unexpected)[0]
        counts = f"{len(missing)} missing and {len(unexpected)} unexpected names"
        raise ModelError("E_MODEL_SHAPE", f"weights of {spec.name} must fit the network, got {counts}, first {first}")
    for name, tensor in wanted.items():
        if tensor.shape != found[name].shape:
            shapes = tuple(tensor.shape), tuple(found[name].shape)
            raise ModelError("E_MODEL_SHAPE", f"{name} must have shape {shapes[0]}, got {shapes[1]}")
