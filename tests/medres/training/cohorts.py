"""Tiny cohorts on the disk, with their manifests, splits and experiments, for tests of training."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image

from medres.datasets.manifest import read_manifest
from medres.datasets.rows import Manifest
from medres.datasets.split import Split, build_split
from medres.training.spec import ExperimentSpec
from medres.training.toml_file import parse_experiment

TOML = """
name = "tiny"
synthetic = true
[labels]
positive = "lesion"
groups = { healthy = ["healthy"], lesion = ["lesion"] }
[network]
name = "resnet10"
width = 0.125
stem = "small"
[preprocessing]
spatial_dims = 3
modality = "CT"
size = [12, 12, 12]
intensity = { kind = "window", lower = -400, upper = 600 }
[training]
epochs = 2
batch_size = 8
learning_rate = 5e-3
precision = "fp32"
[augmentation]
flips = ["i"]
noise = 0.02
"""


def experiment(text: str = TOML, **changes: object) -> ExperimentSpec:
    """The tiny experiment, with some keys of its training changed."""
    spec = parse_experiment(text)
    training = spec.training.model_validate(spec.training.model_dump() | changes)
    return spec.model_copy(update={"training": training})


def volume(lesion: bool, seed: int, shape=(12, 12, 12)) -> np.ndarray:
    """Noise in HU, with a bright cube where there is a lesion."""
    voxels = np.random.default_rng(seed).normal(0, 40, shape).astype(np.float32)
    if lesion:
        voxels[4:8, 4:8, 4:8] += 400
    return voxels


def write_cohort(folder: Path, count: int = 20, channels: tuple[str, ...] = ()) -> Manifest:
    """One volume (or one for each channel) for each of `count` patients, half with a lesion."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = [f"path_{name}" for name in channels] or ["path"]
    rows = []
    for number in range(count):
        names = [f"{number}{name and '_'}{name}.nii.gz" for name in channels or ("",)]
        for place, name in enumerate(names):
            lesion = number % 2 == 1 and place == 0  # only the first channel shows it
            nibabel.save(nibabel.Nifti1Image(volume(lesion, 10 * number + place), np.eye(4)), folder / name)
        rows.append([f"p{number}", *names, ("healthy", "lesion")[number % 2], "CT"])
    return _write(folder, ["patient_id", *columns, "label", "modality"], rows)


def write_pictures(folder: Path, count: int = 20) -> Manifest:
    """One PNG for each of `count` patients, of three labels."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 60, (16, 20)).astype(np.uint8)
        pixels[5:11, 6:12] += np.uint8((0, 60, 150)[number % 3])
        Image.fromarray(pixels).save(folder / f"{number}.png")
        rows.append([f"p{number}", f"{number}.png", ("normal", "benign", "malignant")[number % 3], "US", "no"])
    return _write(folder, ["patient_id", "path", "label", "modality", "spacing_known"], rows)


def _write(folder: Path, columns: list[str], rows: list[list[str]]) -> Manifest:
    with (folder / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return read_manifest(folder / "manifest.csv")


def split_of(manifest: Manifest) -> Split:
    """Train 60 %, validation 20 %, test 20 %."""
    return build_split(manifest, seed=0)
