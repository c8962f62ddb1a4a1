"""A seed -> a small cohort of synthetic patients that a few epochs can learn: pictures of 224 px, or volumes of 64³.

The lesions of the demo's phantoms are faint on purpose; here they are made brighter, so that the AUROC of a training of
minutes says something.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from medres.datasets.manifest import read_manifest
from medres.datasets.rows import Manifest
from medres.datasets.split import Split
from pipelines.phantoms.anatomy import EXTENT_MM, Phantom, build_phantom
from pipelines.phantoms.files import write_nifti, write_picture

PIXEL_MM = EXTENT_MM[0] / 224
SPACING_MM = {2: (PIXEL_MM, PIXEL_MM, 6.0), 3: (EXTENT_MM[0] / 64, EXTENT_MM[1] / 64, EXTENT_MM[2] / 64)}
BRIGHTER_HU = 150  # added to the lesion
COLUMNS = ("patient_id", "path", "label", "modality", "spacing_known")


def make_cohort(folder: Path, dims: int, training: int, validation: int, seed: int = 0) -> tuple[Manifest, Split]:
    """Write patients, half of them with a lesion, and part them.

    Args:
        folder: where.
        dims: 2 writes PNG pictures, 3 NIfTI volumes.
        training: patients to learn from.
        validation: patients to judge by.
        seed: of the first patient.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = [_write_patient(folder, dims, seed, n) for n in range(training + validation)]
    with (folder / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    manifest = read_manifest(folder / "manifest.csv")
    keys = tuple(row.key for row in manifest.rows)
    parts = {"train": keys[:training], "validation": keys[training:], "test": ()}
    return manifest, Split(parts, manifest.digest, seed, "in order")


def _write_patient(folder: Path, dims: int, seed: int, n: int) -> list[str]:
    """Write one patient and give its row."""
    phantom = build_phantom(seed + n, lesion=n % 2 == 0, spacing_mm=SPACING_MM[dims])
    phantom.voxels[phantom.mask] += BRIGHTER_HU
    name = f"p{n:04d}.{'png' if dims == 2 else 'nii'}"
    if not (folder / name).exists():
        if dims == 2:
            write_picture(phantom, _level(phantom, seed, n), folder / name)
        else:
            write_nifti(phantom, folder / name)
    return [f"p{n:04d}", name, "lesion" if phantom.lesion else "healthy", "CT", "no" if dims == 2 else "yes"]


def _level(phantom: Phantom, seed: int, n: int) -> int:
    """Choose the slice with most of the lesion, or any that is not at an end."""
    if phantom.lesion:
        return int(phantom.mask.sum(axis=(0, 1)).argmax())
    return int(np.random.default_rng([seed, n]).integers(3, phantom.voxels.shape[2] - 3))
