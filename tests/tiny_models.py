"""Tiny TrainedModels, made in about a second by the real save path, that truly tell bright spheres from none.

The backbone keeps its random weights; the last layer is the difference of the mean embeddings of two groups of
phantoms. So the probability rises where a bright sphere is, and Grad-CAM is hot there.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch

from medres.models.golden import make_golden
from medres.models.probability import aggregate, softmax
from medres.models.registry import build_network
from medres.models.scope import describe_scan, fit_scope
from medres.models.spec import NetworkSpec, OperatingPoint, TrainedModelSpec
from medres.models.trained_model import save_trained_model
from medres.preprocessing.pipeline import preprocess
from medres.preprocessing.spec import PatchesView, PreprocessingSpec, SlicesView, WholeView, Window
from medres.volume import Origin, Volume

CT_SHAPE, CT_SPACING_MM = (32, 32, 24), (3.0, 3.0, 4.0)
LABELS = ("benign", "tumour")
PLACES_MM = ((-20.0, 12.0, 8.0), (16.0, -20.0, -12.0), (4.0, 24.0, 20.0), (-24.0, -16.0, 0.0))
VIEWS = {
    "whole": WholeView(),
    "patches": PatchesView(size=(16, 16, 16), overlap=0.25),
    "slices": SlicesView(axis=2),
}


def ct_volume(seed: int = 0, place_mm: tuple[float, float, float] | None = None, radius_mm: float = 14.0) -> Volume:
    """A body of noise on air, LPS; a bright sphere at a place in RAS+ mm, or none."""
    affine = np.diag([-CT_SPACING_MM[0], -CT_SPACING_MM[1], CT_SPACING_MM[2], 1.0])
    affine[:3, 3] = [46.5, 46.5, -46.0]
    index = np.moveaxis(np.indices(CT_SHAPE), 0, -1)
    places = index @ affine[:3, :3].T + affine[:3, 3]  # (i, j, k, 3) RAS+ mm
    voxels = np.where(np.hypot(places[..., 0], places[..., 1]) < 44, 40.0, -1000.0)
    if place_mm is not None:
        voxels = np.where(np.linalg.norm(places - place_mm, axis=-1) < radius_mm, 240.0, voxels)
    voxels = voxels + np.random.default_rng(seed).normal(0, 15, CT_SHAPE)
    origin = Origin(content_digest=f"{seed:064x}", series_key=f"ct-{seed}")
    return Volume(voxels.astype(np.float32), affine, "CT", "HU", origin=origin)


def picture(seed: int = 0, place: tuple[float, float] | None = None, radius: float = 10.0) -> Volume:
    """A grey picture of 80 columns and 64 rows with a bright disc at (column, row), or none."""
    columns, rows = np.mgrid[0:80, 0:64]
    voxels = np.full((80, 64), 60.0)
    if place is not None:
        voxels[np.hypot(columns - place[0], rows - place[1]) < radius] = 200.0
    voxels += np.random.default_rng(seed).normal(0, 10, voxels.shape)
    grey = np.clip(voxels, 0, 255).astype(np.uint8)[..., None]
    origin = Origin(content_digest=f"{seed:064x}")
    return Volume(
        grey, np.eye(4), "US", frame="detector", spacing_known=False, codes=("W_SPACING_UNKNOWN",), origin=origin
    )


def tiny_ct_model(folder: Path, views: str = "whole", *, synthetic: bool = True, scope: bool = True) -> Path:
    """Save a model for CT: 3D ("whole", "patches") or 2D over axial slices ("slices"); returns its folder."""
    dims = 2 if views == "slices" else 3
    preprocessing = PreprocessingSpec(
        spatial_dims=dims,
        modality="CT",
        spacing_mm=(4.0, 4.0, 4.0),
        size=(24, 24, 24),
        intensity=Window(lower=-100, upper=300),
        views=VIEWS[views],
    )
    without = [ct_volume(seed) for seed in range(4)]
    with_one = [ct_volume(10 + seed, place) for seed, place in enumerate(PLACES_MM)]
    return _save(folder, preprocessing, without, with_one, synthetic=synthetic, scope=scope)


def tiny_picture_model(folder: Path) -> Path:
    """Save a 2D model for ultrasound pictures; returns its folder."""
    preprocessing = PreprocessingSpec(
        spatial_dims=2, modality="US", size=(64, 64), fit="contain", intensity=Window(lower=0, upper=255)
    )
    without = [picture(seed) for seed in range(4)]
    with_one = [picture(10 + seed, place) for seed, place in enumerate([(20, 20), (60, 40), (40, 30), (25, 45)])]
    return _save(folder, preprocessing, without, with_one)


def _save(
    folder: Path,
    preprocessing: PreprocessingSpec,
    without: list[Volume],
    with_one: list[Volume],
    *,
    synthetic: bool = True,
    scope: bool = True,
) -> Path:
    network_spec = NetworkSpec(
        name="resnet10",
        spatial_dims=preprocessing.spatial_dims,
        in_channels=1,
        label_count=2,
        width=0.125,
        stem="small",
    )
    network = build_network(network_spec, seed=1).eval()
    shown = [preprocess(volume, preprocessing) for volume in (*without, *with_one)]
    truth = np.array([0] * len(without) + [1] * len(with_one))
    with torch.no_grad():
        views = [network.embed(one.batch) for one in shown]  # (V, F) each
        _fit_head(network, views, truth)
        rule = getattr(preprocessing.views, "aggregate", "mean")
        scores = [float(aggregate(softmax(network.fc(v)), rule, positive=1)[1]) for v in views]
    threshold = float(np.mean([max(np.array(scores)[truth == 0]), min(np.array(scores)[truth == 1])]))
    table = "label,score\n" + "".join(f"{LABELS[t]},{s!r}\n" for t, s in zip(truth, scores, strict=True))
    spec = TrainedModelSpec(
        name="tiny",
        version="1.0",
        modality=preprocessing.modality,
        intended_use="Tests of medres.",
        not_for="Anything else.",
        licence="Apache-2.0",
        synthetic=synthetic,
        network=network_spec,
        preprocessing=preprocessing,
        label_names=LABELS,
        positive_label="tumour",
        operating_points={"balanced": _point("balanced", threshold), "sensitive": _point("sensitive", threshold / 2)},
        default_operating_point="balanced",
    )
    extras: dict = {"validation.csv": table.encode()}
    extras["golden.json"] = make_golden(spec, network, partial(preprocess, spec=preprocessing))
    if scope:
        facts = [describe_scan(volume, one) for volume, one in zip((*without, *with_one), shown, strict=True)]
        extras["scope.json"] = fit_scope(preprocessing.modality, facts)
    return save_trained_model(folder, spec, network.state_dict(), extras).folder


def _fit_head(network: torch.nn.Module, views: list[torch.Tensor], truth: np.ndarray) -> None:
    """Let the logits be minus and plus the projection onto the difference of the groups' means."""
    vectors = torch.stack([v.amax(dim=0) for v in views])
    low, high = (vectors[torch.from_numpy(truth == label)].mean(dim=0) for label in (0, 1))
    direction = 4.0 * (high - low) / (high - low).pow(2).sum()
    middle = float(direction @ (low + high) / 2)
    network.fc.weight.copy_(torch.stack([-direction, direction]))
    network.fc.bias.copy_(torch.tensor([middle, -middle]))


def _point(name: str, threshold: float) -> OperatingPoint:
    return OperatingPoint(
        name=name,
        threshold=threshold,
        rule="midway between the two groups of phantoms",
        chosen_on="0" * 64,
        sensitivity=1.0,
        specificity=1.0,
        n=8,
        n_positive=4,
    )
