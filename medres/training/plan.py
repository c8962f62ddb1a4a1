"""Fingerprint + machine -> a plan: every choice of an experiment with its reason.

Knows no scan. Rules, not a search: each is one small function that anybody may disagree with and edit in the TOML.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medres.errors import TrainingError
from medres.training.fingerprint import Fingerprint

LARGEST_2D, LARGEST_3D = 224, 64  # voxels along an axis that a CPU trains in hours, not days
LESION_VOXELS = 5.0  # a lesion should cover this many voxels across
THICK = 3.0  # slices this many times thicker than their pixels are looked at one by one
FEW_SLICES = 12
STRIDE = 32  # voxels of the input for one cell of the last map, with the standard stem
FEW, MANY = 100, 2000  # scans of the rarest class; scans in all
RARE = 0.35  # share of the rarest class below which it weighs more
FEWEST_FOLDS, FEWEST_PATIENTS = 3, 2  # parts that each need so many patients of every label
VIEWS_OF_TRAINING = 16_000  # scans shown in a training, about


@dataclass(frozen=True)
class Choice:
    """One value of an experiment, and why.

    Attributes:
        table: of the TOML, "" for the top.
        key, value: as in the TOML.
        reason: one sentence.
    """

    table: str
    key: str
    value: Any
    reason: str


@dataclass(frozen=True)
class Plan:
    """An experiment with its reasons.

    Attributes:
        choices: in the order of the TOML.
        folds: of the split; 0 for parts.
        folds_reason: why.
    """

    choices: tuple[Choice, ...]
    folds: int
    folds_reason: str

    def value(self, table: str, key: str) -> Any:
        """Look a choice up; None where it was not made."""
        return next((one.value for one in self.choices if (one.table, one.key) == (table, key)), None)

    def with_value(self, table: str, key: str, value: Any, reason: str) -> Plan:
        """Copy with another value."""
        changed = tuple(
            Choice(table, key, value, reason) if (one.table, one.key) == (table, key) else one for one in self.choices
        )
        return Plan(changed, self.folds, self.folds_reason)

    def to_dict(self) -> dict[str, Any]:
        """Give the experiment as nested tables."""
        found: dict[str, Any] = {}
        for one in self.choices:
            (found.setdefault(one.table, {}) if one.table else found)[one.key] = one.value
        return found


def make_plan(found: Fingerprint, positive: str, groups: Mapping[str, tuple[str, ...]], name: str) -> Plan:
    """Plan an experiment.

    Args:
        found: what the scans are like.
        positive: label of the model that decisions are about.
        groups: label of the model -> labels of the manifest.
        name: of the experiment.

    Returns:
        The plan; its batch size and time are still to be measured.

    Raises:
        TrainingError: `E_TRAIN_CLASS` where a label has too few patients for any split.
    """
    check_patients(found, groups)
    shown = _preprocessing(found)
    values = {one.key: one.value for one in shown}
    folds, folds_reason = _folds(found, groups)
    choices = [
        Choice("", "name", name, "of the model that comes out"),
        Choice("labels", "positive", positive, "as you named it"),
        Choice("labels", "groups", {k: list(v) for k, v in groups.items()}, "the manifest's labels, in this order"),
        *_network(found, values),
        *shown,
        *_training(found, values, groups),
        *_augmentation(found, values),
    ]
    return Plan(tuple(choices), folds, folds_reason)


def check_patients(found: Fingerprint, groups: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse a label whose patients cannot stand in training, validation and test.

    Args:
        found: patients of each label of the manifest.
        groups: label of the model -> labels of the manifest.

    Raises:
        TrainingError: `E_TRAIN_CLASS`.
    """
    least = FEWEST_FOLDS * FEWEST_PATIENTS
    for name, labels in groups.items():
        count = sum(found.label_patients[label] for label in labels)
        if count < least:
            told = f"each label must have at least {least} patients for training, validation and test"
            raise TrainingError("E_TRAIN_CLASS", f"{told}, got {count} for {name!r}")


def _preprocessing(found: Fingerprint) -> list[Choice]:
    """Choose dimensions, grid, views and intensity."""
    table = "preprocessing"
    dims, views, why = _dimensions(found)
    spacing, size, fit = _grid(found, dims, views)
    chosen = [
        Choice(table, "spatial_dims", dims, why),
        Choice(table, "modality", found.modality, "of every scan that was read"),
    ]
    if found.channels != ("image",):
        chosen.append(Choice(table, "channels", list(found.channels), "columns of the manifest"))
    if found.is_colour:
        chosen.append(
            Choice(table, "colour", "grey", "some pictures have colours; grey unless colour carries a finding")
        )
    chosen += [one for one in (spacing, size, fit) if one is not None]
    chosen.append(_intensity(found))
    if views == "slices":
        said = {"kind": "slices", "axis": 2, "aggregate": "mean"}
        chosen.append(Choice(table, "views", said, "slices across the thick axis, each seen; their mean speaks"))
    if views == "patches":
        edge = [LARGEST_3D] * 3
        said = {"kind": "patches", "size": edge, "overlap": 0.25, "aggregate": "max"}
        chosen.append(Choice(table, "views", said, "the whole scan is seen in patches; the most suspicious one speaks"))
    return chosen


def _dimensions(found: Fingerprint) -> tuple[int, str, str]:
    """Choose 2D, slices, 3D or patches: (spatial_dims, views, why)."""
    if found.is_picture:
        return 2, "whole", "single planes"
    depth, thickness = found.shape[2][1], found.spacing_mm[2][1] / max(1e-6, found.spacing_mm[0][1])
    if found.spacing_known and thickness >= THICK and depth <= 2 * FEW_SLICES:
        return 2, "slices", f"{depth:.0f} slices {thickness:.1f} times thicker than their pixels: too few for 3D"
    coarse = _coarsest(found)
    extent = [axis[2] * mm[1] for axis, mm in zip(found.shape, found.spacing_mm, strict=True)]
    if coarse is not None and max(extent) / coarse > 2 * LARGEST_3D:
        told = f"a lesion of {found.lesion_mm[0]:.1f} mm needs voxels of {coarse:.1f} mm, too fine for the whole scan"
        return 3, "patches", told
    return 3, "whole", "volumes whose lesions are seen at the size of the whole grid, as far as is known"


def _coarsest(found: Fingerprint) -> float | None:
    """Give the coarsest voxel (mm) at which the smallest lesions are still seen; None where nothing is known."""
    if not found.lesion_mm:
        return None
    return max(min(axis[1] for axis in found.spacing_mm), found.lesion_mm[0] / LESION_VOXELS)


def _grid(found: Fingerprint, dims: int, views: str) -> tuple[Choice | None, Choice | None, Choice]:
    """Choose spacing, size and fit."""
    table = "preprocessing"
    axes = 2 if found.is_picture else 3
    largest = LARGEST_2D if dims == 2 else LARGEST_3D
    spacing, coarse = None, _coarsest(found)
    high = [axis[2] for axis in found.shape[:axes]]
    if found.spacing_known and not found.is_picture:
        own = [axis[1] for axis in found.spacing_mm]
        extent = [n * mm for n, mm in zip(high, own, strict=True)]
        wanted = (
            [coarse] * 3 if coarse is not None and views == "patches" else _spacing_for(own, extent, largest, views)
        )
        wanted = [round(mm, 2) for mm in wanted]
        spacing = Choice(table, "spacing_mm", wanted, _why_spacing(found, own, views))
        high = [mm / step for mm, step in zip(extent, wanted, strict=True)]
    if views == "patches":
        return spacing, None, Choice(table, "fit", "crop_pad", "patches cover the scan as it is")
    size = [_rounded(n, largest) for n in high]
    if views == "slices":
        size[2] = 0
    whole = all(n <= m for n, m in zip(high, size, strict=True) if m)
    told = "holds 95 % of the scans whole" if whole else f"at most {largest} along an axis, for the time it takes"
    chosen = Choice(table, "size", size, f"{told} (95th percentile {' x '.join(f'{n:.0f}' for n in high)} voxels)")
    if whole and not found.is_picture:
        return spacing, chosen, Choice(table, "fit", "crop_pad", "nothing is rescaled but by the spacing")
    return spacing, chosen, Choice(table, "fit", "contain", "shapes differ or are larger: shrunk in proportion, padded")


def _spacing_for(own: list[float], extent: list[float], largest: int, views: str) -> list[float]:
    """Coarsen the scans' own spacing until 95 % of them fit the grid; slices keep their distance."""
    wanted = [max(mm, length / largest) for mm, length in zip(own, extent, strict=True)]
    if views == "slices":
        wanted[2] = own[2]
    return wanted


def _why_spacing(found: Fingerprint, own: list[float], views: str) -> str:
    said = f"median spacing {' x '.join(f'{mm:.2g}' for mm in own)} mm"
    if found.lesion_mm:
        said += f"; lesions {found.lesion_mm[0]:.1f} to {found.lesion_mm[2]:.1f} mm across"
    return said + (
        "; fine enough for the smallest" if views == "patches" else "; coarser where the grid would not hold it"
    )


def _rounded(length: float, largest: int) -> int:
    """Round up to a multiple of 8 (of 4 below 48), within the largest."""
    step = 8 if length > 48 else 4
    return int(min(largest, max(16, step * math.ceil(length / step))))


def _intensity(found: Fingerprint) -> Choice:
    """Choose how values are brought to the network's range."""
    table, key, (low, *_, high) = "preprocessing", "intensity", found.intensity
    if found.whole_numbers:
        said = {"kind": "window", "lower": 0, "upper": 255}
        return Choice(table, key, said, "values are whole numbers from 0 to 255: their scale means something")
    if found.modality == "CT":
        lower, upper = max(-1024, 10 * math.floor(low / 10)), min(3000, 10 * math.ceil(high / 10))
        told = f"HU mean tissue: one window; 99 % of voxels lie in {low:.0f} to {high:.0f} HU; narrow it to the organ"
        return Choice(table, key, {"kind": "window", "lower": lower, "upper": max(upper, lower + 10)}, told)
    if found.modality in ("MR", "US", "PT", "NM", "DX", "CR", "MG"):
        return Choice(
            table,
            key,
            {"kind": "percentiles", "lower": 0.5, "upper": 99.5},
            "values have no unit: each scan's own range",
        )
    return Choice(table, key, {"kind": "standardise"}, "unknown scale: each scan's own mean and deviation")


def _network(found: Fingerprint, shown: Mapping[str, Any]) -> list[Choice]:
    """Choose network, width, stem and starting weights."""
    table, rarest = "network", min(found.labels.values())
    small = rarest < FEW
    told = f"{rarest} scans of the rarest label, {found.scans} in all"
    width = 1.0 if found.scans >= MANY else 0.5
    size = [n for n in shown.get("size") or [LARGEST_3D] if n]
    stem = "small" if max(size) <= 32 else "standard"
    return [
        Choice(
            table, "name", "resnet10" if small else "resnet18", f"{told}: {'few, a small net' if small else 'enough'}"
        ),
        Choice(table, "width", width, f"share of the published channels; {told}"),
        Choice(
            table,
            "stem",
            stem,
            f"{max(size)} voxels: " + _why_stem(stem, size),
        ),
    ]


def _why_stem(stem: str, size: list[int]) -> str:
    """Say why a stem was chosen, and what it costs a short axis."""
    if stem == "small":
        return "stride 1 keeps them"
    if min(size) >= STRIDE:
        return "as published"
    return f'as published; the axis of {min(size)} ends in one cell: "small" keeps it finer, at many times the work'


def _training(found: Fingerprint, shown: Mapping[str, Any], groups: Mapping[str, tuple[str, ...]]) -> list[Choice]:
    """Choose epochs, rate, batch (to be measured) and loss."""
    table = "training"
    counts = [sum(found.labels[label] for label in labels) for labels in groups.values()]
    share = min(counts) / max(1, sum(counts))
    epochs = int(min(60, max(10, round(VIEWS_OF_TRAINING / max(1, 0.64 * found.scans)))))
    balance = "weights" if share < RARE else "none"
    chosen = [
        Choice(table, "epochs", epochs, f"about {VIEWS_OF_TRAINING} scans shown in all; the best epoch is kept"),
        Choice(table, "batch_size", 16, "usual"),
        Choice(
            table,
            "learning_rate",
            2e-3,
            "AdamW from drawn weights, warm-up and cosine; medres train --find-rate measures",
        ),
        Choice(table, "average_decay", 0.99, "the running average of weights is steadier with few scans"),
        Choice(table, "balance", balance, f"the rarest label has {share:.0%} of the scans"),
    ]
    if isinstance(shown.get("views"), Mapping):
        chosen.append(Choice(table, "views_per_scan", 4, "views drawn from each scan in an epoch"))
    return chosen


def _augmentation(found: Fingerprint, shown: Mapping[str, Any]) -> list[Choice]:
    """Choose how training scans are varied."""
    table = "augmentation"
    flips, why = _flips(found)
    angle = [180.0] if found.even_ground > 0.5 and len(flips) > 1 else [10.0]
    askew = "a probe is never held quite alike" if found.modality == "US" else "patients lie a little askew"
    chosen = [
        Choice(table, "flips", flips, why),
        Choice(table, "rotation_degrees", angle, "cut out: any angle" if angle[0] > 90 else askew),
        Choice(table, "scale", 0.1, "sizes differ by a tenth"),
        Choice(table, "shift", 0.05, "crops are not exact"),
    ]
    if found.even_ground > 0.5:
        chosen.append(Choice(table, "ground", "keep", "scans lie on an even ground: it stays as it is"))
    return [
        *chosen,
        Choice(table, "brightness", 0.05, "scanners differ"),
        Choice(table, "contrast", 0.15, "scanners differ"),
        Choice(table, "noise", 0.02, "noise differs from scan to scan"),
    ]


def _flips(found: Fingerprint) -> tuple[list[str], str]:
    """Choose axes that may be reversed."""
    if found.even_ground > 0.5 and not found.is_picture:
        return ["i", "j", "k"], "cut out on an even ground: nothing tells left from right"
    if found.modality == "US":
        return ["i"], "left and right do not matter under a probe; up and down do"
    return [], 'off, since left and right may matter here; add "i" where they do not'


def _folds(found: Fingerprint, groups: Mapping[str, tuple[str, ...]]) -> tuple[int, str]:
    """Choose the number of folds."""
    patients = min(sum(found.label_patients[label] for label in labels) for labels in groups.values())
    if found.scans > 4 * MANY:
        return 0, f"{found.scans} scans: one split into parts is precise enough"
    count = 5 if patients >= 25 else FEWEST_FOLDS
    return count, f"{patients} patients of the rarest label: {count} folds judge every scan once"
