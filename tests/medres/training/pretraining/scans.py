"""Prepared scans for the tests of pretraining: blobs at random places, told apart by their place."""

from __future__ import annotations

import torch

from medres.preprocessing.spec import PreprocessingSpec
from medres.training.prepared import PreparedScan
from medres.training.pretraining.spec import PretrainingSpec
from medres.training.spec import ExperimentSpec

SHOWN = PreprocessingSpec.model_validate(
    {
        "spatial_dims": 2,
        "modality": "US",
        "size": (16, 16),
        "intensity": {"kind": "window", "lower": 0, "upper": 255},
    }
)
TINY = PretrainingSpec.model_validate({"epochs": 3, "batch_size": 8, "width": 16, "bottleneck": 8})


def experiment(**changes: object) -> ExperimentSpec:
    """Give a tiny experiment with pretraining."""
    return ExperimentSpec.model_validate(
        {
            "name": "tiny",
            "labels": {"positive": "b", "groups": {"a": ("a",), "b": ("b",)}},
            "network": {"name": "resnet10", "width": 0.125, "stem": "small", "last_stride": 1},
            "preprocessing": SHOWN.model_dump(),
            "pretraining": TINY.model_dump() | changes,
        }
    )


def scans(count: int = 24) -> list[PreparedScan]:
    """Give scans with one bright blob each."""
    generator, found = torch.Generator().manual_seed(0), []
    for number in range(count):
        tensor = 0.1 * torch.rand(1, 1, 16, 16, generator=generator)
        row, column = torch.randint(0, 12, (2,), generator=generator).tolist()
        tensor[:, :, row : row + 4, column : column + 4] += 0.8
        found.append(PreparedScan(number + 2, f"{number}.png", f"p{number}", 0, tensor, f"{number:064x}", {}, 1))
    return found
