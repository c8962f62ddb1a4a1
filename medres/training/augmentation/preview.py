"""Scans + AugmentationSpec -> rows of variants to look at: everything together, and each change alone.

Knows no picture; `results.contact_sheet` draws.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from medres.training.augmentation.mixing import mix
from medres.training.augmentation.pipeline import augment
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import Units

MIXING = ("mixup", "cutmix")
NOT_A_CHANGE = ("spatial_probability", "intensity_probability", "ground", "elastic_nodes", "policy_count", *MIXING)


def active_changes(spec: AugmentationSpec) -> tuple[str, ...]:
    """Name the changes that a spec makes.

    Args:
        spec: how scans are varied.

    Returns:
        Keys of the spec, mixing left out.

    Example:
        >>> active_changes(AugmentationSpec(noise=0.1, flips=("i",), mixup=0.2))
        ('flips', 'noise')
    """
    plain = AugmentationSpec.model_validate({})
    changed = (key for key in AugmentationSpec.model_fields if getattr(spec, key) != getattr(plain, key))
    return tuple(key for key in changed if key not in NOT_A_CHANGE)


def alone(spec: AugmentationSpec, key: str) -> AugmentationSpec:
    """Keep one change of a spec and make it certain.

    Args:
        spec: how scans are varied.
        key: of one change.

    Returns:
        The spec of that change alone.
    """
    kept = {name: getattr(spec, name) for name in (key, "ground", "elastic_nodes", "policy_count")}
    return AugmentationSpec.model_validate({**kept, "intensity_probability": 1.0, "spatial_probability": 1.0})


def draw_variants(
    batch: Tensor, spec: AugmentationSpec, units: Units, *, count: int, seed: int, is_mr: bool = False
) -> Tensor:
    """Vary each scan several times, as a training would.

    Args:
        batch: (B, C, *spatial), as preprocessed.
        spec: how scans are varied.
        units: what mm and HU are in the batch.
        count: variants of each scan.
        seed: decides everything.
        is_mr: let the policy draw artefacts of MR too.

    Returns:
        (B, 1 + count, C, *spatial): each scan as it is, then its variants.
    """
    generator = Generator().manual_seed(seed)
    drawn = [augment(batch, spec, generator, units, is_mr=is_mr) for _ in range(count)]
    return torch.stack([batch, *drawn], dim=1)


def draw_mixed(
    batch: Tensor, labels: Tensor, spec: AugmentationSpec, *, count: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Blend the first scan with others of the batch, several times.

    Args:
        batch: (B, C, *spatial), B of 2 or more.
        labels: (B,) indices.
        spec: mixup and cutmix.
        count: blends.
        seed: decides everything.

    Returns:
        (1 + count, C, *spatial) and, for each, the shares of labels (1 + count, L).
    """
    generator = Generator().manual_seed(seed)
    label_count = int(labels.max()) + 1
    first = mix(batch[:1], labels[:1], label_count, spec, generator)
    drawn = [mix(batch, labels, label_count, spec, generator) for _ in range(count)]
    scans = torch.stack([first[0][0], *(scan[0] for scan, _ in drawn)])
    return scans, torch.stack([first[1][0], *(shares[0] for _, shares in drawn)])
