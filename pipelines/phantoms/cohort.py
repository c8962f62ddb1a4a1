"""A seed -> folders of synthetic patients with their manifest and the truth about each lesion.

`volumes/` trains and tests a 3D model, `pictures/` a 2D one, `inbox/` is what an operator would find in the morning.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from medres import geometry
from pipelines.phantoms.anatomy import Phantom, build_phantom
from pipelines.phantoms.files import write_dicom, write_mask, write_nifti, write_picture, write_picture_mask

DICOM_EVERY = 6  # every n-th patient of a cohort is a DICOM series, the others are NIfTI
PICTURE_SPACING_MM = (1.5, 1.5, 6.0)
WORKERS = 2

Row = dict[str, Any]


def write_volumes(folder: Path, count: int, seed: int, on_progress: Callable[..., None]) -> Path:
    """Write CT-like patients, half of them with a lesion, as DICOM series and NIfTI files.

    Args:
        folder: where; `manifest.csv` and `truth.json` are written into it.
        count: patients.
        seed: of the whole cohort.
        on_progress: told how many are written.

    Returns:
        The manifest's path.
    """
    for name in ("nifti", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return _write_cohort(folder, partial(_write_volume, folder, seed), count, on_progress)


def write_pictures(folder: Path, count: int, seed: int, on_progress: Callable[..., None]) -> Path:
    """Write slices of CT-like patients as PNG pictures, half of them through a lesion.

    Args:
        folder: where; `manifest.csv` and `truth.json` are written into it.
        count: patients, one picture each.
        seed: of the whole cohort.
        on_progress: told how many are written.

    Returns:
        The manifest's path.
    """
    for name in ("png", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return _write_cohort(folder, partial(_write_slice, folder, seed), count, on_progress)


def write_inbox(folder: Path, seed: int, count: int = 8) -> dict[str, Any]:
    """Write what an operator scores in the morning: good studies, MR, a broken export and a stray text file.

    Args:
        folder: where.
        seed: patients of their own, never seen in training.
        count: CT studies that can be scored.

    Returns:
        Folder name to the planted lesion (None for none), for CT studies.
    """
    truth: dict[str, Any] = {}
    for n in range(count):
        phantom = build_phantom(seed + n, lesion=n % 2 == 0)
        write_dicom(phantom, folder / f"ct{n:02d}", seed + n)
        truth[f"ct{n:02d}"] = asdict(phantom.lesion) if phantom.lesion else None
    for n in range(2):
        write_dicom(build_phantom(seed + 100 + n, modality="MR", lesion=n == 0), folder / f"mr{n:02d}", seed + 100 + n)
    write_nifti(build_phantom(seed + 200, modality="MR"), folder / "mr_without_modality.nii")
    write_dicom(build_phantom(seed + 300), folder / "ct_with_missing_slice", seed + 300, skip=(11,))
    (folder / "readme.txt").write_text("This file is no scan; it is skipped and counted.\n")
    folder.with_name("inbox_truth.json").write_text(json.dumps(truth, indent=1))
    return truth


def _write_cohort(folder: Path, write_one: Callable[[int], Row], count: int, on_progress: Callable[..., None]) -> Path:
    """Write patients in two processes, then manifest and truth."""
    rows: list[Row] = []
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        for row in pool.map(write_one, range(count), chunksize=8):
            rows.append(row)
            on_progress(len(rows), count)
    truth = {row["path"]: row.pop("lesion") for row in rows}
    (folder / "truth.json").write_text(json.dumps(truth, indent=1))
    return _write_manifest(folder / "manifest.csv", rows)


def _write_manifest(path: Path, rows: Iterable[Row]) -> Path:
    rows = list(rows)
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


def _write_volume(folder: Path, seed: int, n: int) -> Row:
    """Write one patient of `write_volumes`."""
    phantom = build_phantom(seed + n, lesion=n % 2 == 0)
    if n % DICOM_EVERY == 0 or n % DICOM_EVERY == 1:
        path = f"dicom/p{n:04d}"
        write_dicom(phantom, folder / path, seed + n)
    else:
        path = f"nifti/p{n:04d}.nii"
        write_nifti(phantom, folder / path)
    mask = f"masks/p{n:04d}.nii.gz" if phantom.lesion else ""
    if mask:
        write_mask(phantom, folder / mask)
    return _row(phantom, n, path, "CT") | {"mask_path": mask}


def _write_slice(folder: Path, seed: int, n: int) -> Row:
    """Write one picture: through the lesion's centre, or through any level of a patient without one."""
    phantom = build_phantom(seed + n, lesion=n % 2 == 0, spacing_mm=PICTURE_SPACING_MM)
    k = int(np.random.default_rng([seed, n]).integers(3, phantom.voxels.shape[2] - 3))
    row = _row(phantom, n, f"png/p{n:04d}.png", "CT")
    if phantom.lesion:
        centre = geometry.apply_affine(np.linalg.inv(phantom.affine), phantom.lesion.centre_mm)
        k = round(float(centre[2]))
        row["lesion"]["centre_pixel"] = [float(centre[0]), float(centre[1])]
    write_picture(phantom, k, folder / row["path"])
    mask = f"masks/p{n:04d}.png" if phantom.lesion else ""
    if mask:
        write_picture_mask(phantom, k, folder / mask)
    return row | {"spacing_known": "no", "mask_path": mask}


def _row(phantom: Phantom, n: int, path: str, modality: str) -> Row:
    """One row of a manifest; `site` is drawn at random, so that a subgroup table has something to show."""
    return {
        "patient_id": f"phantom_{n:04d}",
        "path": path,
        "label": "lesion" if phantom.lesion else "no_lesion",
        "modality": modality,
        "site": "north" if np.random.default_rng(n).random() < 0.5 else "south",
        "lesion": asdict(phantom.lesion) if phantom.lesion else None,
    }
