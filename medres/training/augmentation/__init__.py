"""Prepared training scans -> varied ones, on tensors: geometry, resolution, intensity, artefacts, policies, mixing.

Knows no Volume. Every random number comes from a generator on the CPU, so that the same seed gives the same batch on
any device and with any number of workers.
"""

from medres.training.augmentation.mixing import mix
from medres.training.augmentation.pipeline import augment
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import Units

__all__ = ["AugmentationSpec", "Units", "augment", "mix"]
