"""Small Volumes, specs and models for tests: everything in it runs in milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medres.models.golden import make_golden
from medres.models.registry import build_network
from medres.models.spec import NetworkSpec, OperatingPoint, TrainedModelSpec
from medres.models.trained_model import TrainedModel, save_trained_model
from medres.preprocessing.pipeline import preprocess
from medres.preprocessing.spec import PreprocessingSpec, Window
from medres.volume import Volume

CT_AFFINE = np.array([[-0.8, 0, 0, 12], [0, -0.7, 0, 9], [0, 0, 2.0, -20], [0, 0, 0, 1.0]])
SOFT_TISSUE = Window(lower=-1000.0, upper=400.0)


def sphere_volume(
    centre_mm: Any,
    affine: NDArray[np.float64] = CT_AFFINE,
    shape: tuple[int, int, int] = (30, 28, 22),
    radius_mm: float = 3.0,
    **fields: Any,
) -> Volume:
    """A CT of air with one sphere of soft tissue at a known place, RAS+ mm."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    distance = np.linalg.norm(index @ affine[:3, :3].T + affine[:3, 3] - np.asarray(centre_mm), axis=-1)
    voxels = np.where(distance <= radius_mm, 300.0, -1000.0).astype(np.float32)
    return Volume(voxels, affine.copy(), **{"modality": "CT", "unit": "HU"} | fields)


def centroid_mm(grid: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the weight of a non-negative (i, j, k) array lies, mm."""
    weight = np.asarray(grid, float)
    place = [float((weight * axis).sum() / weight.sum()) for axis in np.indices(weight.shape)]
    return affine[:3, :3] @ place + affine[:3, 3]


def noise_volume(seed: int = 0, shape: tuple[int, int, int] = (20, 18, 12), **fields: Any) -> Volume:
    """A volume of noise in HU's range."""
    voxels = np.random.default_rng(seed).normal(-300, 200, shape).astype(np.float32)
    return Volume(voxels, CT_AFFINE.copy(), **{"modality": "CT", "unit": "HU"} | fields)


def picture(seed: int = 0, shape: tuple[int, int] = (24, 18), **fields: Any) -> Volume:
    """A picture of noise, without true spacing."""
    voxels = np.random.default_rng(seed).integers(0, 255, (*shape, 1)).astype(np.uint8)
    return Volume(voxels, np.eye(4), **{"modality": "US", "frame": "detector", "spacing_known": False} | fields)


def spec_3d(**changes: Any) -> PreprocessingSpec:
    """A 3D CT spec of 16³ voxels of 1.5 mm."""
    fields = {"spatial_dims": 3, "modality": "CT", "spacing_mm": (1.5, 1.5, 1.5), "size": (16, 16, 16)}
    return PreprocessingSpec(**fields | {"intensity": SOFT_TISSUE} | changes)


def spec_2d(**changes: Any) -> PreprocessingSpec:
    """A picture spec of 16 columns by 12 rows."""
    fields = {"spatial_dims": 2, "modality": "US", "size": (16, 12), "fit": "contain"}
    return PreprocessingSpec(**fields | {"intensity": Window(lower=0.0, upper=255.0)} | changes)


def operating_point(name: str = "balanced", threshold: float = 0.5) -> OperatingPoint:
    """An operating point chosen on ten cases."""
    return OperatingPoint(
        name=name,
        threshold=threshold,
        rule="Youden",
        chosen_on="0" * 64,
        sensitivity=0.9,
        specificity=0.8,
        n=10,
        n_positive=5,
    )


def model_spec(preprocessing: PreprocessingSpec, **changes: Any) -> TrainedModelSpec:
    """A description of a tiny ResNet for any preprocessing."""
    network = NetworkSpec(
        name="resnet10",
        spatial_dims=preprocessing.spatial_dims,
        in_channels=preprocessing.tensor_channels,
        label_count=len(changes.get("label_names", ("none", "tumour"))),
        width=0.125,
        stem="small",
    )
    fields = {
        "name": "tiny",
        "version": "1",
        "modality": preprocessing.modality,
        "intended_use": "Tests.",
        "not_for": "Patients.",
        "licence": "Apache-2.0",
        "synthetic": True,
        "network": network,
        "preprocessing": preprocessing,
        "label_names": ("none", "tumour"),
        "positive_label": "tumour",
        "operating_points": {"balanced": operating_point()},
        "default_operating_point": "balanced",
    }
    return TrainedModelSpec(**fields | changes)


def save_tiny_model(
    folder: Path, preprocessing: PreprocessingSpec, *, extras: dict[str, Any] | None = None, **changes: Any
) -> TrainedModel:
    """Save a tiny untrained model with its golden phantom."""
    spec = model_spec(preprocessing, **changes)
    network = build_network(spec.network, seed=1)
    golden = make_golden(spec, network, lambda volumes: preprocess(volumes, preprocessing))
    return save_trained_model(folder, spec, network.state_dict(), {"golden.json": golden} | (extras or {}))
