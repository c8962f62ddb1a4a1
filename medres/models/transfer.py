"""A file of weights -> a network that starts from them, with a record that proves what was loaded.

Knows names and shapes of weights; knows no data. Nothing is loaded in part: the whole table is made first, checked, and
only then copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from medres.errors import ModelError
from medres.models.acs import ACSConv3d
from medres.models.carry import adapt_stem, inflate
from medres.models.weight_file import Layout, WeightFile, open_weights, read_weights

__all__ = [
    "LoadingRecord",
    "adapt_stem",
    "check_numbers",
    "check_record",
    "load_weights",
    "match_weights",
    "read_weights",
]

Carry = Literal["inflate", "acs"]
HEADS = ("fc.", "attention.")  # what belongs to labels and views, not to the backbone
COUNTERS = "num_batches_tracked"  # of batch norms; older files lack them, and nothing depends on them
LEAST_COVERAGE = 0.9
SHORTCUT = "downsample"
STATISTICS = ".running_"  # means and variances of batch norms
LAYOUTS = get_args(Layout)
INFLATED = "inflated from 2D"
FRESH = "drawn afresh: the head belongs to its labels"


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
        carry: how 2D weights came into a 3D network: "inflate", "acs" or "".
        part: of the file that was taken, such as "state_dict" or "model_ema"; "" for the whole file.
        spatial_dims: of the file's convolutions, 2 or 3; None where it has none.
    """

    layout: str
    digest: str
    loaded: tuple[str, ...] = ()
    adapted: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    coverage: float = 0.0
    carry: str = ""
    part: str = ""
    spatial_dims: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the record as plain values, for `trained_model.json`."""
        return asdict(self)

    def rows(self) -> list[tuple[str, int, str]]:
        """Give the table that a person reads: what, how many, the first names."""
        parts = {"loaded": self.loaded, "missing": self.missing, "unexpected": self.unexpected}
        table = [(what, len(names), _first(names)) for what, names in parts.items()]
        ways = {how: [name for name, way in self.adapted.items() if way == how] for how in self.adapted.values()}
        adapted = "; ".join(f"{_first(names)}: {how}" for how, names in ways.items())
        return [table[0], ("adapted", len(self.adapted), adapted), *table[1:]]


def load_weights(
    network: nn.Module,
    path: Path | str,
    layout: Layout = "auto",
    *,
    head: Literal["auto", "replace"] = "auto",
    carry: Carry | None = None,
) -> LoadingRecord:
    """Start a network from weights learnt elsewhere.

    Args:
        network: of `build_network`; changed only when all checks pass.
        path: `.pth` or `.pt` (tensors alone), `.safetensors`, or a TrainedModel folder.
        layout: whose names the file must carry; "auto" tells by its names.
        head: "auto" loads the last layer where its shape fits, "replace" leaves it freshly drawn.
        carry: how 2D weights come into a 3D network: "inflate" repeats each kernel along the third axis, "acs" takes
            them as they are into a network on ACS convolutions; None refuses them.

    Returns:
        The record.

    Raises:
        ModelError: `E_WEIGHTS_FILE` where the file cannot be read safely, has another layout or holds NaN,
            `E_WEIGHTS_COVERAGE` where less than 90 % of the backbone would be loaded, or where a learnt backbone would
            be left with a random stem, random shortcuts, no running statistics, or without blocks that the file has.
    """
    record, fitted = match_weights(network, open_weights(Path(path)), layout, head=head, carry=carry)
    check_record(record, network)
    check_numbers(fitted)
    network.load_state_dict(network.state_dict() | fitted)
    return record


def match_weights(
    network: nn.Module,
    found: WeightFile,
    layout: Layout = "auto",
    *,
    head: Literal["auto", "replace"] = "auto",
    carry: Carry | None = None,
) -> tuple[LoadingRecord, dict[str, Tensor]]:
    """Make the table of what loading would do; nothing is loaded, and nothing but a wrong layout refused.

    Args:
        network: not changed.
        found: what a file holds.
        layout: as in `load_weights`.
        head: as in `load_weights`.
        carry: as in `load_weights`.

    Returns:
        The record, and the tensors that would be copied, by name.

    Raises:
        ModelError: `E_WEIGHTS_FILE` where the file has another layout than the one asked for, `E_USAGE` for an unknown.
    """
    _check_layout(found.layout, layout)
    own = network.state_dict()
    fitter = _Fitter(stem_name(network), head == "replace", carry)
    fitted, adapted = fitter.fit(own, found.tensors)
    record = LoadingRecord(
        layout=found.layout if layout == "auto" else layout,
        digest=found.digest,
        loaded=tuple(name for name in own if name in fitted and name not in adapted),
        adapted=adapted,
        missing=tuple(name for name in own if name not in fitted and name not in adapted and COUNTERS not in name),
        unexpected=tuple(sorted(name for name in found.tensors if name not in own)),
        coverage=_coverage(network, fitted),
        carry=_way(network, found, adapted, carry),
        part=found.part,
        spatial_dims=found.spatial_dims,
    )
    return record, fitted


def _check_layout(told: str, wanted: str) -> None:
    """Refuse a layout that the file does not have; medres saves under the names that a network has."""
    if wanted not in LAYOUTS:
        raise ModelError("E_USAGE", f"layout must be one of {', '.join(LAYOUTS)}, got {wanted!r}", 'use "auto"')
    fits = (told, "auto") if told == "medicalnet" else (told, "auto", "medres")
    if wanted not in fits:
        raise ModelError("E_WEIGHTS_FILE", f"names must be of the {wanted} layout, got {told}", 'use layout "auto"')


def _way(network: nn.Module, found: WeightFile, adapted: Mapping[str, str], carry: str | None) -> str:
    """Say how 2D weights came into a 3D network, as it was done rather than as it was asked for."""
    if found.spatial_dims != 2 or _spatial_dims(network) != 3:
        return ""
    if any(isinstance(module, ACSConv3d) for module in network.modules()):
        return "acs"
    return "inflate" if any(INFLATED in way for way in adapted.values()) else carry or ""


def check_numbers(fitted: Mapping[str, Tensor]) -> None:
    """Refuse weights that are no numbers, which every answer of the network would inherit.

    Args:
        fitted: of `match_weights`.

    Raises:
        ModelError: `E_WEIGHTS_FILE`.
    """
    bad = [name for name, tensor in fitted.items() if not bool(torch.isfinite(tensor).all())]
    bad += [name for name, tensor in fitted.items() if name.endswith("running_var") and bool((tensor < 0).any())]
    if bad:
        told = f"weights must be finite, and variances not negative, got {len(bad)} that are not, first {bad[0]}"
        raise ModelError("E_WEIGHTS_FILE", told)


def check_record(record: LoadingRecord, network: nn.Module) -> None:
    """Refuse a loading that would leave learnt features with random ones in their midst.

    Args:
        record: of `match_weights`.
        network: that the weights are for.

    Raises:
        ModelError: `E_WEIGHTS_COVERAGE`.
    """
    if stem_name(network) in record.missing and record.coverage >= LEAST_COVERAGE:
        told = "the first convolution must be loaded, got a file whose kernel has another size"
        raise ModelError("E_WEIGHTS_COVERAGE", told, 'choose the stem that the weights were learnt with ("standard")')
    if record.coverage < LEAST_COVERAGE:
        raise ModelError("E_WEIGHTS_COVERAGE", *_too_little(record, network))
    _check_missing(record)
    stages = tuple(f"{stage}." for stage in getattr(network, "stages", ()))
    left = [name for name in record.unexpected if name.startswith(stages) and COUNTERS not in name] if stages else []
    if left:
        told = f"every weight of the file's stages must have a place, got {len(left)} without one, first {left[0]}"
        raise ModelError("E_WEIGHTS_COVERAGE", told, _cure_for(left))


def _check_missing(record: LoadingRecord) -> None:
    """Refuse a file without the statistics of batch norms, or without the weights of shortcuts."""
    unknown = [name for name in record.missing if STATISTICS in name]
    if any(SHORTCUT not in name for name in unknown):
        told = f"running statistics of every batch norm must be loaded, got a file without {len(unknown)} of them"
        cure = 'save the whole state_dict(), or set norm to what the weights were learnt with ("group", "instance")'
        raise ModelError("E_WEIGHTS_COVERAGE", told, cure)
    lost = [name for name in record.missing if SHORTCUT in name]
    if lost:
        told = f"every shortcut must be loaded, got {len(lost)} weights of shortcuts that the file does not have"
        raise ModelError("E_WEIGHTS_COVERAGE", f"{told} (type A)", 'set shortcut = "A" for the network')


def _cure_for(left: Iterable[str]) -> str:
    """Say what would give every weight of the file's stages a place."""
    if all(STATISTICS in name for name in left):
        return 'set norm = "batch", with which these weights were learnt'
    if all(SHORTCUT in name for name in left):
        return 'set shortcut = "B"'
    return "choose the network of the file's own depth"


def stem_name(network: nn.Module) -> str:
    """Name the weight that sees the input.

    Args:
        network: any with convolutions.

    Returns:
        Such as "conv1.weight".
    """
    kinds = (nn.Conv2d, nn.Conv3d)
    return next((f"{name}.weight" for name, module in network.named_modules() if isinstance(module, kinds)), "")


@dataclass(frozen=True)
class _Fitter:
    """Matches tensors with a network's by name and shape.

    Attributes:
        stem: name of the weight that sees the input.
        replace_head: leave the head freshly drawn.
        carry: what is done with 2D weights of a 3D network.
    """

    stem: str
    replace_head: bool
    carry: str | None

    def fit(self, own: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Give the tensors to copy, and what was done to some; of the head, that it is fresh where it does not fit."""
        fitted: dict[str, Tensor] = {}
        adapted: dict[str, str] = {}
        for name, wanted in own.items():
            given = found.get(name)
            if name.startswith(HEADS) and (given is None or self.replace_head or given.shape != wanted.shape):
                adapted[name] = FRESH
            elif given is not None and given.is_floating_point() == wanted.is_floating_point():
                tensor, done = self._reshape(name, given, wanted)
                if tensor.shape == wanted.shape:
                    fitted[name] = tensor.to(wanted.dtype)
                    adapted |= {name: done} if done else {}
        return fitted, adapted

    def _reshape(self, name: str, given: Tensor, wanted: Tensor) -> tuple[Tensor, str]:
        """Inflate a kernel and adapt the stem's channels, where that is what differs."""
        done = []
        if self.carry == "inflate" and (given.ndim, wanted.ndim) == (4, 5):
            given = inflate(given, wanted.shape[4])
            done.append(INFLATED)
        if name == self.stem and given.ndim == wanted.ndim and given.shape[1] != wanted.shape[1]:
            done.append(f"{given.shape[1]} to {wanted.shape[1]} channels")
            given = adapt_stem(given, wanted.shape[1])
        return given, ", ".join(done)


def _too_little(record: LoadingRecord, network: nn.Module) -> tuple[str, str | None]:
    """Say how much would be loaded, and what may be the reason."""
    counts = f"{len(record.missing)} names missing, of another shape or kind, {len(record.unexpected)} unexpected"
    told = f"at least 90 % of the backbone must be loaded, got {100 * record.coverage:.1f} % ({counts})"
    if record.carry == "acs":
        return told, 'choose weights of this network and depth, and build it with convolution = "acs"'
    if (record.spatial_dims, _spatial_dims(network)) == (2, 3) and not record.carry:
        return told, 'choose weights of this network and depth; 2D weights need carry = "inflate" or "acs"'
    if (record.spatial_dims, _spatial_dims(network)) == (3, 2):
        return told, "choose 2D weights: those of a 3D network do not fit a 2D one"
    return told, None


def _spatial_dims(network: nn.Module) -> int:
    """Tell 2D and 3D by the convolutions."""
    return 3 if any(isinstance(module, (nn.Conv3d, ACSConv3d)) for module in network.modules()) else 2


def _coverage(network: nn.Module, fitted: Mapping[str, Tensor]) -> float:
    """Give the share of the backbone's numbers that were fitted."""
    sizes = {name: tensor.numel() for name, tensor in network.named_parameters() if not name.startswith(HEADS)}
    return sum(size for name, size in sizes.items() if name in fitted) / sum(sizes.values())


def _first(names: Iterable[str]) -> str:
    """Name the first three."""
    listed = list(names)
    return ", ".join(listed[:3]) + (", ..." if len(listed) > 3 else "")
