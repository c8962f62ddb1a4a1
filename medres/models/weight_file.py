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

Layout = Literal["auto", "torchvision", "medicalnet", "medres"]
WRAPPERS = ("state_dict", "model_state_dict", "model")  # dictionaries that other projects put around theirs
PREFIXES = ("module.", "network.", "model.", "backbone.")  # of DataParallel, Lightning and others


@dataclass(frozen=True, eq=False)
class WeightFile:
    """What a file of weights holds.

    Attributes:
        digest: SHA-256 (hex) of the file.
        layout: "torchvision", "medicalnet" or "medres".
        tensors: by name, prefixes of other projects taken off.
    """

    digest: str
    layout: str
    tensors: Mapping[str, Tensor]

    @property
    def spatial_dims(self) -> int | None:
        """2 or 3, as its convolutions are; None where it has none."""
        axes = [tensor.ndim - 2 for tensor in self.tensors.values() if tensor.ndim in (4, 5)]
        return axes[0] if axes else None


def open_weights(path: Path) -> WeightFile:
    """Read a file of weights or a TrainedModel folder.

    Args:
        path: `.pth` or `.pt` (tensors alone), `.safetensors`, or a TrainedModel folder.

    Returns:
        Its tensors.

    Raises:
        ModelError: `E_WEIGHTS_FILE`, or what loading a TrainedModel refuses.
    """
    digest, found = read_weights(path)
    return WeightFile(digest, tell_layout(found, path), {plain_name(name): tensor for name, tensor in found.items()})


def read_weights(path: Path) -> tuple[str, dict[str, Tensor]]:
    """Read tensors by name, safely.

    Args:
        path: file, or TrainedModel folder.

    Returns:
        (SHA-256 of the file, tensors by name as the file has them).

    Raises:
        ModelError: `E_WEIGHTS_FILE`, or what loading a TrainedModel refuses.
    """
    if path.is_dir() and (path / DESCRIPTION).is_file():
        model = load_trained_model(path)
        return model.spec.files[WEIGHTS], dict(model.state_dict)
    if not path.is_file():
        raise ModelError("E_WEIGHTS_FILE", "weights must be a file or a TrainedModel folder, got nothing there")
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return digest, _tensors(_open(path))


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
        raise ModelError("E_WEIGHTS_FILE", told) from None
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        told = f"the weight file ({path.stat().st_size} bytes) cannot be read ({type(error).__name__})"
        raise ModelError("E_WEIGHTS_FILE", told) from None


def _tensors(content: Any) -> dict[str, Tensor]:
    """Find the table of tensors within what a file holds."""
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    found = {str(k): v for k, v in content.items() if isinstance(v, Tensor)} if isinstance(content, dict) else {}
    if not found:
        raise ModelError("E_WEIGHTS_FILE", f"a weight file must hold tensors by name, got a {type(content).__name__}")
    return found


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
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def tell_layout(found: Mapping[str, Tensor], path: Path) -> str:
    """Name the layout by what distinguishes it.

    Args:
        found: tensors by name as the file has them.
        path: of the file or folder.

    Returns:
        "medres", "medicalnet" or "torchvision".
    """
    if path.is_dir():
        return "medres"
    return "medicalnet" if all(name.startswith("module.") for name in found) else "torchvision"
