"""Seconds and peak memory to bring one CT of 512 x 512 x 300 voxels onto a network's grid, medres beside MONAI.

Run: `python -m benchmarks.preprocessing`. Each figure is the better of two runs, each case in a process of its own.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import time

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Orientation, ResizeWithPadOrCrop, ScaleIntensityRange, Spacing

from medres.preprocessing.pipeline import preprocess
from medres.preprocessing.spec import PreprocessingSpec, Window
from medres.volume import Volume

SHAPE = (512, 512, 300)
AFFINE = np.array([[-0.7, 0, 0, 180], [0, -0.7, 0, 180], [0, 0, 1.25, -100], [0, 0, 0, 1.0]])
TILTED = AFFINE + np.array([[0, 0, 0, 0], [0, 0, -0.4, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
CASES = {
    "to 2 mm, 160^3": (AFFINE, (2.0, 2.0, 2.0), (160, 160, 160)),
    "to 1 mm, 320^3": (AFFINE, (1.0, 1.0, 1.0), (320, 320, 320)),
    "crop of 96^3 at 1 mm": (AFFINE, (1.0, 1.0, 1.0), (96, 96, 96)),
    "tilted 18 degrees, to 2 mm": (TILTED, (2.0, 2.0, 2.0), (160, 200, 200)),
}


def scan() -> np.ndarray:
    """Make HU noise as DICOM readers lay it out: i fastest."""
    noise = np.random.default_rng(0).standard_normal(SHAPE[::-1], np.float32)
    noise *= 300.0
    return noise.transpose(2, 1, 0)


def run_medres(voxels: np.ndarray, name: str) -> None:
    """Prepare with medres."""
    affine, spacing, size = CASES[name]
    window = Window(lower=-1000, upper=400)
    spec = PreprocessingSpec(spatial_dims=3, modality="CT", spacing_mm=spacing, size=size, intensity=window)
    preprocess(Volume(voxels, affine, "CT", unit="HU"), spec)


def run_monai(voxels: np.ndarray, name: str) -> None:
    """Prepare with MONAI's transforms, as its tutorials do."""
    affine, spacing, size = CASES[name]
    path = Compose(
        [
            Orientation("RAS"),
            Spacing(spacing, mode="bilinear"),
            ScaleIntensityRange(-1000, 400, 0, 1, clip=True),
            ResizeWithPadOrCrop(size),
        ]
    )
    path(MetaTensor(torch.from_numpy(voxels)[None], affine=affine))


def measure(kind: str, name: str) -> str:
    """Time one case twice; memory above that of the scan itself."""
    voxels, times = scan(), []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(2):
        start = time.perf_counter()
        {"medres": run_medres, "MONAI": run_monai}[kind](voxels, name)
        times.append(time.perf_counter() - start)
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return json.dumps({"seconds": round(min(times), 2), "more MB": more // 1024})


def main() -> None:
    """Print one line for each case."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for name in CASES:
            for kind in ("medres", "MONAI"):
                print(f"{name:28} {kind:7} {pool.apply(measure, (kind, name))}", flush=True)


if __name__ == "__main__":
    main()
