"""How a network learns from scans without labels -> PretrainingSpec, frozen and validated.

Knows no scan and no network.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from medres.preprocessing.spec import Frozen
from medres.training.augmentation.spec import AugmentationSpec

STRONG: dict[str, Any] = {
    "crop": 0.5,
    "rotation_degrees": (15.0,),
    "elastic": 0.04,
    "brightness": 0.15,
    "contrast": 0.4,
    "gamma": 0.4,
    "noise": 0.05,
    "blur": 1.0,
    "low_resolution": 2.0,
    "intensity_probability": 0.7,
}  # two variants must differ in all that does not matter, or there is nothing to learn


class PretrainingSpec(Frozen):
    """Self-supervised pretraining by SimSiam.

    Attributes:
        epochs: passes over the scans.
        batch_size: scans (or views) of one step; 32 is enough, fewer than 8 starve batch norm.
        learning_rate: highest rate for a batch of 256, SGD with momentum; scaled by the batch as in the paper.
        weight_decay: on all weights but norms and biases.
        warmup: share of all steps over which the rate rises linearly; it then falls as a cosine.
        width: of the projection, numbers for each scan.
        bottleneck: of the predictor.
        views_per_scan: for slices and patches: views drawn from each scan in each epoch.
        seed: of weights, order and variants.
        augmentation: what two variants of a scan may differ in; flips are off where left and right may matter.
    """

    epochs: int = Field(50, ge=1)
    batch_size: int = Field(32, ge=4)
    learning_rate: float = Field(0.1, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    warmup: float = Field(0.1, ge=0, le=1)
    width: int = Field(256, ge=8)
    bottleneck: int = Field(64, ge=4)
    views_per_scan: int = Field(1, ge=1)
    seed: int = 0
    augmentation: AugmentationSpec = Field(default_factory=lambda: AugmentationSpec.model_validate(STRONG))
