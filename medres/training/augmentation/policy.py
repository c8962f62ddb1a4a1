"""One dial -> a few changes for each scan, drawn from a list, as strong as the dial says.

Source: Cubuk et al. 2020, arXiv:1909.13719 (RandAugment), with changes that a scanner or a patient could have made;
none turns left into right. Those of MR alone are drawn for MR alone.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from medres.training.augmentation import artefacts, geometry, intensity, resolution
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import Units

STRONGEST = AugmentationSpec.model_validate(
    {
        "rotation_degrees": (20.0,),
        "scale": 0.25,
        "stretch": 0.15,
        "shear": 0.15,
        "shift": 0.12,
        "elastic": 0.08,
        "brightness": 0.25,
        "contrast": 0.5,
        "gamma": 0.5,
        "noise": 0.12,
        "blur": 1.5,
        "sharpen": 2.0,
        "low_resolution": 2.5,
        "cutout": 0.4,
        "bias_field": 0.4,
        "gibbs": 0.6,
        "ghosting": 0.6,
        "motion": 0.04,
    }
)  # what the dial at 1 stands for; units as in the spec
CHANGES = {
    "rotate": (geometry.move, ("rotation_degrees",)),
    "scale": (geometry.move, ("scale", "stretch")),
    "shear": (geometry.move, ("shear",)),
    "shift": (geometry.move, ("shift",)),
    "elastic": (geometry.move, ("elastic",)),
    "brightness": (intensity.brightness, ("brightness",)),
    "contrast": (intensity.contrast, ("contrast",)),
    "gamma": (intensity.gamma, ("gamma",)),
    "noise": (intensity.noise, ("noise",)),
    "blur": (resolution.blur, ("blur",)),
    "sharpen": (resolution.sharpen, ("sharpen",)),
    "low resolution": (resolution.lower_resolution, ("low_resolution",)),
    "cutout": (artefacts.cut_out, ("cutout",)),
}
CHANGES_OF_MR = {
    "bias field": (artefacts.bias_field, ("bias_field",)),
    "gibbs": (artefacts.ring, ("gibbs",)),
    "ghosting": (artefacts.ghost, ("ghosting",)),
    "motion": (artefacts.shake, ("motion",)),
}


def at_strength(keys: tuple[str, ...], strength: float) -> AugmentationSpec:
    """Say what a dial's strength is for some keys, all others off, certain to happen.

    Args:
        keys: of `AugmentationSpec`.
        strength: of the dial, in [0, 1].

    Returns:
        The spec of that change alone.

    Example:
        >>> at_strength(("contrast",), 0.5).contrast
        0.25
    """
    amounts: dict[str, object] = {}
    for key in keys:
        full = getattr(STRONGEST, key)
        if isinstance(full, tuple):
            amounts[key] = tuple(strength * angle for angle in full)
        else:
            amounts[key] = 1.0 + strength * (full - 1.0) if key == "low_resolution" else strength * full
    return AugmentationSpec.model_validate({**amounts, "intensity_probability": 1.0})


def vary(batch: Tensor, spec: AugmentationSpec, units: Units, generator: Generator, *, is_mr: bool = False) -> Tensor:
    """Make a few random changes to each scan.

    Args:
        batch: (B, C, *spatial).
        spec: its dial and how many changes each scan gets.
        units: not asked: the dial knows shares alone.
        generator: on the CPU.
        is_mr: draw the changes of MR as well.

    Returns:
        Same shape.
    """
    if not spec.policy_strength:
        return batch
    changes = list((CHANGES | CHANGES_OF_MR if is_mr else CHANGES).values())
    count = min(spec.policy_count, len(changes))
    chosen = torch.rand(len(batch), len(changes), generator=generator).argsort(1)[:, :count]  # (B, count)
    batch = batch.clone()
    for number, (change, keys) in enumerate(changes):
        rows = (chosen == number).any(1).nonzero().flatten().to(batch.device)
        if len(rows):
            batch[rows] = change(batch[rows], at_strength(keys, spec.policy_strength), Units(), generator)
    return batch
