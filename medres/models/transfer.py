"""A file of weights -> a network that starts from them, with a record that proves what was loaded.

Knows names and shapes of weights; knows no data. Nothing is loaded in part: the whole table is made first, checked, and
only then copied. Pickles are opened with `weights_only=True` alone.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from medres.errors import ModelError
from medres.models.trained_model import DESCRIPTION, WEIGHTS, load_trained_model

Layout = Literal["auto", "torchvision", "medicalnet", "medres"]
HEAD, STEM = "fc.", "conv1.weight"
WRAPPERS = ("state_dict", "model_state_dict", "model")  # dictionaries that other projects put around theirs
PREFIXES = ("module.", "network.", "model.", "backbone.")  # of DataParallel, Lightning and others
COUNTERS = "num_batches_tracked"  # of batch norms; older files lack them, and nothing depends on them
LEAST_COVERAGE = 0.9
SHORTCUT = "downsample"


@dataclass(frozen=True)
class LoadingRecord:
    """What came of loading weights, kept with the model.

    Attributes:
        layout: of the file.
        digest: SHA-256 (hex) of the file.
        loaded: names copied as they were.
        adapted: name -> what was done to it.
        missing: names of the network that the file did not give.
        unexpected: names of the file that the network has no place for.
        coverage: share of the backbone's numbers (head left out) that was loaded or adapted, in [0, 1].
    """

    layout: str
    digest: str
    loaded: tuple[str, ...] = ()
    adapted: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    coverage: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Give the record as plain values, for `trained_model.json`."""
        return asdict(self)

    def rows(self) -> list[tuple[str, int, str]]:
        """Give the table that a person reads: what, how many, the first names."""
        parts = {"loaded": self.loaded, "missing": self.missing, "unexpected": self.unexpected}
        adapted = "; ".join(f"{name}: {how}" for name, how in self.adapted.items())
        table = [(what, len(names), ", ".join(names[:3])) for what, names in parts.items()]
        return [table[0], ("adapted", len(self.adapted), adapted), *table[1:]]


def load_weights(
    network: nn.Module, path: Path | str, layout: Layout = "auto", *, head: Literal["auto", "replace"] = "auto"
) -> LoadingRecord:
    """Start a network from weights learnt elsewhere.

    Args:
        network: of `build_network`; changed only when all checks pass.
        path: `.pth` or `.pt` (tensors alone), `.safetensors`, or a TrainedModel folder.
        layout: whose names the file carries; "auto" tells by its names.
        head: "auto" loads the last layer where its shape fits, "replace" leaves it freshly drawn.

    Returns:
        The record.

    Raises:
        ModelError: `E_WEIGHTS_FILE` where the file cannot be read safely, `E_WEIGHTS_COVERAGE` where less than 90 % of
            the backbone would be loaded, or where a learnt backbone would be left with random shortcuts.
    """
    digest, found = read_weights(Path(path))
    plain = {_plain_name(name): tensor for name, tensor in found.items()}
    own = network.state_dict()
    fitted, adapted = _fit_to(own, plain, replace_head=head == "replace")
    record = LoadingRecord(
        layout=_tell_layout(found, Path(path)) if layout == "auto" else layout,
        digest=digest,
        loaded=tuple(name for name in own if name in fitted and name not in adapted),
        adapted=adapted,
        missing=tuple(name for name in own if name not in fitted and name not in adapted and COUNTERS not in name),
        unexpected=tuple(sorted(name for name in plain if name not in own)),
        coverage=_coverage(network, fitted),
    )
    if record.coverage < LEAST_COVERAGE:
        counts = f"{len(record.missing)} names missing or of another shape, {len(record.unexpected)} unexpected"
        told = f"at least 90 % of the backbone must be loaded, got {100 * record.coverage:.1f} % ({counts})"
        raise ModelError("E_WEIGHTS_COVERAGE", told)
    if any(SHORTCUT in name for name in record.missing):
        count = sum(SHORTCUT in name for name in record.missing)
        told = f"every shortcut must be loaded, got {count} weights of shortcuts that the file does not have (type A)"
        raise ModelError("E_WEIGHTS_COVERAGE", told)
    network.load_state_dict(own | fitted)
    return record


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


def _plain_name(name: str) -> str:
    """Take other projects' prefixes off."""
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _tell_layout(found: Mapping[str, Tensor], path: Path) -> str:
    """Name the layout by what distinguishes it."""
    if path.is_dir():
        return "medres"
    return "medicalnet" if all(name.startswith("module.") for name in found) else "torchvision"


def _fit_to(
    own: Mapping[str, Tensor], found: Mapping[str, Tensor], *, replace_head: bool
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Match by name and shape; adapt the stem; say of the head that it is fresh where it does not fit."""
    fitted: dict[str, Tensor] = {}
    adapted: dict[str, str] = {}
    for name, wanted in own.items():
        given = found.get(name)
        if name.startswith(HEAD) and (given is None or replace_head or given.shape != wanted.shape):
            adapted[name] = "drawn afresh: the head belongs to its labels"
        elif given is not None and given.shape == wanted.shape:
            fitted[name] = given.to(wanted.dtype)
        elif given is not None and name == STEM and _differ_in_channels(given, wanted):
            fitted[name] = adapt_stem(given, wanted.shape[1]).to(wanted.dtype)
            adapted[name] = f"{given.shape[1]} to {wanted.shape[1]} channels"
    return fitted, adapted


def _differ_in_channels(given: Tensor, wanted: Tensor) -> bool:
    return given.ndim == wanted.ndim and (given.shape[0], *given.shape[2:]) == (wanted.shape[0], *wanted.shape[2:])


def adapt_stem(weight: Tensor, channels: int) -> Tensor:
    """Give the first convolution another number of input channels, its response to grey input unchanged.

    Args:
        weight: (out, in, *kernel).
        channels: wanted input channels; 1 sums those that are there, more repeat their mean.

    Returns:
        (out, channels, *kernel); on an input whose channels are all alike the response is as before.

    Example:
        >>> float(adapt_stem(torch.ones(1, 3, 1, 1), 2).sum())
        3.0
    """
    total = weight.sum(dim=1, keepdim=True)  # (out, 1, *kernel)
    return total.repeat(1, channels, *[1] * (weight.ndim - 2)) / channels


def _coverage(network: nn.Module, fitted: Mapping[str, Tensor]) -> float:
    """Give the share of the backbone's numbers that were fitted."""
    sizes = {name: tensor.numel() for name, tensor in network.named_parameters() if not name.startswith(HEAD)}
    return sum(size for name, size in sizes.items() if name in fitted) / sum(sizes.values())
