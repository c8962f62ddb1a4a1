"""A file of weights -> tensors by name, opened safely, with the layout that its names tell.

Knows no network. Pickles are opened with `weights_only=True` alone: one that holds more than tensors is refused.
"""

from __future__ import annotations

import hashlib
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from medres.errors import ModelError
from medres.models.trained_model import DESCRIPTION, WEIGHTS, load_trained_model

Layout = Literal["auto", "torchvision", "medicalnet", "medres", "other"]
WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "network", "network_weights", "net", "weights")
AVERAGES = ("model_ema", "state_dict_ema", "ema")  # of the weights over the training; taken where nothing else is there
PREFIXES = (
    "module.",
    "_orig_mod.",
    "model.",
    "network.",
    "net.",
    "backbone.",
    "resnet.",
    "encoder.",
    "encoder_q.",
    "base_encoder.",
)  # of DataParallel, torch.compile, Lightning, MoCo and others
STATE_DICT_ALONE = (
    "open it where you trust it and save the state dict that you want alone; fetch again what was cut off"
)


@dataclass(frozen=True, eq=False)
class WeightFile:
    """What a file of weights holds.

    Attributes:
        digest: SHA-256 (hex) of the file.
        layout: "torchvision", "medicalnet", "medres", or "other": names that are none of theirs.
        tensors: by name, prefixes of other projects taken off.
        part: of the file that was taken, such as "state_dict" or "model_ema"; "" for the whole file.
    """

    digest: str
    layout: str
    tensors: Mapping[str, Tensor]
    part: str = ""

    @property
    def spatial_dims(self) -> int | None:
        """2 or 3, as its convolutions are; None where it has none."""
        return _spatial_dims(self.tensors)


def open_weights(path: Path) -> WeightFile:
    """Read a file of weights or a TrainedModel folder.

    Args:
        path: `.pth` or `.pt` (tensors alone), `.safetensors`, or a TrainedModel folder.

    Returns:
        Its tensors.

    Raises:
        ModelError: `E_WEIGHTS_FILE`, or what loading a TrainedModel refuses.
    """
    digest, part, found = _read(path)
    return WeightFile(digest, tell_layout(found, path), _plainly_named(found), part)


def read_weights(path: Path) -> tuple[str, dict[str, Tensor]]:
    """Read tensors by name, safely.

    Args:
        path: file, or TrainedModel folder.

    Returns:
        (SHA-256 of the file, tensors by name as the file has them).

    Raises:
        ModelError: `E_WEIGHTS_FILE`, or what loading a TrainedModel refuses.
    """
    digest, _, found = _read(path)
    return digest, found


def _read(path: Path) -> tuple[str, str, dict[str, Tensor]]:
    """Give digest, part that was taken, and tensors by name as the file has them."""
    if path.is_dir() and (path / DESCRIPTION).is_file():
        model = load_trained_model(path)
        return model.spec.files[WEIGHTS], "", dict(model.state_dict)
    if not path.is_file():
        there = "another folder" if path.is_dir() else "nothing there"
        raise ModelError("E_WEIGHTS_FILE", f"weights must be a file or a TrainedModel folder, got {there}")
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return digest, *_tensors(_open(path))


def _open(path: Path) -> Any:
    """Open a weight file; a pickle that holds more than tensors is refused."""
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the pickle's protocol: it is read or it is refused
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        told = "a weight file must hold tensors alone, got one with other objects or a broken pickle"
        raise ModelError("E_WEIGHTS_FILE", told, STATE_DICT_ALONE) from None
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        told = f"the weight file ({path.stat().st_size} bytes) cannot be read ({type(error).__name__})"
        raise ModelError("E_WEIGHTS_FILE", told) from None


def _tensors(content: Any) -> tuple[str, dict[str, Tensor]]:
    """Find the table of tensors within what a file holds, and say within which part."""
    parts = []
    while isinstance(content, dict) and (part := _wrapper(content)):
        parts.append(part)
        content = content[part]
    found = {str(k): v for k, v in content.items() if isinstance(v, Tensor)} if isinstance(content, dict) else {}
    if not found:
        kind = f"a {type(content).__name__}"
        if isinstance(content, dict):
            kind = f"{kind} of {', '.join(map(repr, list(content)[:5]))}" if content else "an empty one"
        told = f"a weight file must hold tensors by name, got {kind}"
        raise ModelError("E_WEIGHTS_FILE", told, "save the state dict that you want alone")
    return ".".join(parts), found


def _wrapper(content: Mapping[Any, Any]) -> str:
    """Name the part that holds the weights; averages only where no other is there."""
    return next((part for part in (*WRAPPERS, *AVERAGES) if _holds_tensors(content.get(part))), "")


def _holds_tensors(content: Any) -> bool:
    """Tell whether a part of a file holds tensors, or a part that does."""
    if not isinstance(content, dict):
        return False
    return any(isinstance(value, Tensor) for value in content.values()) or bool(_wrapper(content))


def _plainly_named(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take other projects' prefixes off; two different weights must not become one."""
    named: dict[str, Tensor] = {}
    for name, tensor in found.items():
        plain = plain_name(name)
        if plain in named and not (named[plain].shape == tensor.shape and bool((named[plain] == tensor).all())):
            told = f"a weight file must hold one network, got two different weights for {plain}"
            raise ModelError("E_WEIGHTS_FILE", told, "save the state dict that you want alone")
        named[plain] = tensor
    return named


def plain_name(name: str) -> str:
    """Take other projects' prefixes off.

    Args:
        name: of a tensor.

    Returns:
        The name within the network.

    Example:
        >>> plain_name("module.layer1.0.conv1.weight")
        'layer1.0.conv1.weight'
    """
    while start := next((prefix for prefix in PREFIXES if name.startswith(prefix)), ""):
        name = name.removeprefix(start)
    return name


def tell_layout(found: Mapping[str, Tensor], path: Path) -> str:
    """Name the layout by what distinguishes it.

    Args:
        found: tensors by name as the file has them.
        path: of the file or folder.

    Returns:
        "medres", "medicalnet", "torchvision", or "other" where the names are none of theirs.
    """
    if path.is_dir():
        return "medres"
    if all(name.startswith("module.") for name in found) and _spatial_dims(found) == 3:
        return "medicalnet"
    return "torchvision" if "conv1.weight" in map(plain_name, found) else "other"


def _spatial_dims(tensors: Mapping[str, Tensor]) -> int | None:
    """Tell 2D and 3D by the first convolution."""
    return next((tensor.ndim - 2 for tensor in tensors.values() if tensor.ndim in (4, 5)), None)
